"""SongFormer: what MusicFM and MuQ hear of a song, the net that names parts of it, and the parts themselves."""
