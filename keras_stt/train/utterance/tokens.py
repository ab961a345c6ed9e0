"""The tokens of a run on whole utterances: those of the model it begins with, or learned from the texts of train."""

import json
from collections.abc import Iterator

import numpy as np

from keras_stt.data.index import Index
from keras_stt.errors import InputError
from keras_stt.formats.lines import write_text
from keras_stt.tokens import Tokens, learn_tokens, tokens_from_config
from keras_stt.train.option_checks import TOKENS_OF_WARM_START
from keras_stt.train.options import TrainOptions
from keras_stt.train.utterance.warm_start import earlier_model

FORMAT = 1  # raised when other tokens are learned from the same texts
MOST_TEXTS = 1_000_000  # to learn from, spread over the corpus: subwords are settled long before, and memory has an end


def tokens_of_run(options: TrainOptions, index: Index) -> Tokens:
    """The tokens that the flags ask for; `index` is of train, beside which what was learned is kept."""
    if options.tokens != TOKENS_OF_WARM_START:
        return _kept_or_learned(options, index)
    tokens = earlier_model(options.warm_start).token_set
    unknown = set().union(*index.vocabulary_counts()) - tokens.characters
    if unknown:
        print(f"no token writes {' '.join(sorted(unknown))}: left out of what is trained on", flush=True)
    return tokens


def _kept_or_learned(options: TrainOptions, index: Index) -> Tokens:
    path = index.folder.with_name(f"tokens-{options.tokens}-{options.token_count}.json")
    made_of = {"format": FORMAT, "content": index.content}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["made_of"] == made_of:
            return tokens_from_config(kept["tokens"])
    except (OSError, ValueError, KeyError, InputError):
        pass
    tokens = learn_tokens(options.tokens, options.token_count, texts_to_learn_from(index))
    write_text(path, json.dumps({"made_of": made_of, "tokens": tokens.to_config()}, ensure_ascii=False) + "\n")
    return tokens


def texts_to_learn_from(index: Index, most: int = MOST_TEXTS) -> Iterator[str]:
    """At most so many texts, spread over the corpus, and a word for each letter that none of them has."""
    rare = set().union(*index.vocabulary_counts())
    for row in np.linspace(0, len(index) - 1, min(len(index), most)).round().astype(int).tolist():
        text = index[row].text
        rare.difference_update(text)
        yield text
    for word in index.vocabulary_counts() if rare else ():
        if rare.intersection(word):
            rare.difference_update(word)
            yield word
