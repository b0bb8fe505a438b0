// What the charts of this tab share.

export const fill = (svg, width, height, text) => { svg.setAttribute("viewBox", `0 0 ${width} ${height}`); svg.setAttribute("width", width); svg.setAttribute("height", height); svg.innerHTML = text; };
export const letter = svg => parseFloat(getComputedStyle(svg).fontSize);
export const three = value => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2);
