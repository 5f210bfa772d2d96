"""What forms of lyrics are parsed with: XML, the events of MIDI, the measures of a score and their repeats."""
