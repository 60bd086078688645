"""What the pump is made of and what really happens in it: drive, reservoir, line, battery, memory chip."""
