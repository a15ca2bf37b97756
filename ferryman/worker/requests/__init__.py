"""What REST asks of a worker: each request becomes facts, or a wish that is meant once, and is answered from facts."""
