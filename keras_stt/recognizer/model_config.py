"""The config of a saved model, taken for what it is: plain values from outside."""

import dataclasses
import inspect
import json
import math
from collections.abc import Callable

from keras_stt.archives import shown
from keras_stt.recognizer.model_size import least_utterance_values, least_window_values
from keras_stt.recognizer.utterance import UtteranceRecognizer
from keras_stt.recognizer.window import Recognizer
from keras_stt.tokens import tokens_from_config

_LARGEST_INTEGER = 1 << 16  # of a width, a count, a length in steps
_LONGEST_NAME = 200
_MOST_BLOCKS = 512
_MOST_ATTENTION = 1 << 24  # pairs of word and audio step in a window
_PACKAGE = "keras_stt"
_CLASSES = {Recognizer: least_window_values, UtteranceRecognizer: least_utterance_values}
_TUPLE = "__tuple__"  # how Keras writes a tuple of a training record


class NotOurModel(ValueError):
    """A model of another class; the message is the name of it."""


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A class and all arguments of its constructor.

    Attributes:
        model_class: `Recognizer` or `UtteranceRecognizer`.
        arguments: as the file gives them, defaults where it says nothing.
    """

    model_class: type
    arguments: dict

    def build(self) -> Recognizer | UtteranceRecognizer:
        """The model, with weights that mean nothing yet."""
        return self.model_class(**self.arguments)

    def require(self, values: int) -> None:
        """Checks, before it is built, that so many values in its file can be its weights: no small file, large model.

        Raises:
            ValueError: it has too few.
        """
        blocks = sum(self.arguments.get(name, 0) for name in ("blocks", "audio_blocks", "refiner_blocks"))
        if blocks > _MOST_BLOCKS:
            raise ValueError(f"its config asks for {blocks:,} blocks; at most {_MOST_BLOCKS}")
        least = _CLASSES[self.model_class](self.arguments)
        if least > values:
            raise ValueError(f"its config makes a model of {least:,} weights or more, and it holds {values:,}")


def read_config(content: bytes) -> ModelConfig:
    """What `config.json` says, checked: one of our classes, and for each argument a plain value of its type.

    Raises:
        NotOurModel: it names another class.
        ValueError: it is no config, or asks for what no model of ours has; one line, which names no file.
    """
    try:
        config = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("its config.json is no JSON") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ValueError("its config.json is no model's")
    model_class = _class_named(config)
    parameters = dict(inspect.signature(model_class.__init__).parameters)
    known = {name: one for name, one in parameters.items() if name != "self" and one.kind is not one.VAR_KEYWORD}
    for name in config["config"]:
        if name not in known:
            raise ValueError(f"its config has {shown(name)}, which no {model_class.__name__} takes")
    arguments = {name: config["config"].get(name, one.default) for name, one in known.items()}
    for name, value in arguments.items():
        if value is inspect.Parameter.empty:
            raise ValueError(f"its config has no {name}")
        if not _CHECKS.get(name, _CHECKS.get(known[name].annotation, _never))(value):
            raise ValueError(f"its config has {name} {shown(json.dumps(value))}, of a type or size that no model has")
    if model_class is Recognizer and arguments["text_context"] * arguments["audio_context"] > _MOST_ATTENTION:
        raise ValueError("its config asks for windows too large")
    if model_class is UtteranceRecognizer and tokens_from_config(arguments["tokens"]).size != arguments["token_count"]:
        raise ValueError(f"its config has other tokens than its token_count, {arguments['token_count']}")
    return ModelConfig(model_class, arguments)


def _class_named(config: dict) -> type:
    for known in _CLASSES:
        if config.get("registered_name") == f"{_PACKAGE}>{known.__name__}":
            module = str(config.get("module"))
            if config.get("class_name") != known.__name__ or module.partition(".")[0] != _PACKAGE:
                raise ValueError(f"its config calls {known.__name__} {shown(module)} {shown(config.get('class_name'))}")
            return known
    raise NotOurModel(shown(config.get("class_name"))[1:-1])


def _is_integer(value) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_INTEGER


def _is_number(value) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_name(value) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_NAME


def _are_texts(value) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _are_tokens(value) -> bool:
    return (
        isinstance(value, dict)
        and set(value) <= {"kind", "pieces", "model"}
        and _is_name(value.get("kind"))
        and _are_texts(value.get("pieces"))
        and isinstance(value.get("model", ""), str)
    )


def _is_record(value) -> bool:
    """The record of its training: it goes nowhere but into reports, `lead` into word times."""
    return value is None or (isinstance(value, dict) and _names_no_class(value) and _is_number(value.get("lead", 0)))


def _names_no_class(value) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") in (None, _TUPLE) and all(map(_names_no_class, value.values()))
    return all(map(_names_no_class, value)) if isinstance(value, list) else True


def _never(value) -> bool:
    return False


# By an argument's name where its type says too little, else by its type.
_CHECKS: dict[object, Callable[[object], bool]] = {
    "tokens": _are_tokens,
    "vocabulary": _are_texts,
    "phones": _are_texts,
    "training": _is_record,
    int: _is_integer,
    float: _is_number,
    bool: lambda value: type(value) is bool,
    str: _is_name,
}
