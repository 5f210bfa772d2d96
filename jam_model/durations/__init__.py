"""When words are sung, from the words alone: a net that gives gap, length and phone shares of each as a distribution."""
