"""Much audio, on all cores of a machine or on many machines: work in parts that are made once, by Ray Data.

`parts` divides inputs and keeps what was made of them; `engine` makes the missing parts by Ray; the other modules are
what can be done: `transcripts`, `features`. What is prepared for training is joined in `keras_stt.train.preparation`,
since bulk work knows nothing of training.
"""
