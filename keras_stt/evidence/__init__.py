"""What a model made of single utterances, kept to be looked at: words, passes over masked tokens, attention, sound."""
