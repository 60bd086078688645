"""What runs inside the pump: the dose guard, therapy, alarms, memory and the handling of messages."""
