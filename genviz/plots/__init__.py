"""Numbers to pictures: numpy arrays to PNG bytes and plotly figures. Imports neither torch nor gradio."""
