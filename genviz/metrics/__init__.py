"""How good is a generative model? Likelihoods, distances between sets of pictures, coverage; and the classifier whose features they use."""
