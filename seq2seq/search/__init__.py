"""Search over any model that offers a `step` and a state that can `select`."""
