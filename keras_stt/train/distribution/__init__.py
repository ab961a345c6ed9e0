"""Training on several devices and in several processes: what a run asks of it, whatever the backend.

Keras, JAX and TensorFlow do the work. Every process plans the same batches and reads its own rows of them; process 0
alone measures and writes. All read checkpoints from one folder.
"""
