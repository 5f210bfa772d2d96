"""What a command prints or writes for a person, without a flow; files are named as those of commands/."""
