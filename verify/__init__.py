"""Properties, the independent judge, and the evidence they leave."""
