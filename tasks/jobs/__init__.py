"""Songs that are asked for at the desk: what is asked as files that never change, and where each of them stands."""
