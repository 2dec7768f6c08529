"""Names of folders that mean a split, or images without a label, in any spelling and case."""

import re
import unicodedata

SPLITS = ("train", "validation", "test")

_MEANINGS = {
    "train": "train|training|trn|trening|treningowy|uczenie|entraînement|apprentissage"
    "|entrenamiento|addestramento|allenamento|treino|treinamento|träning|тренировка|обучение|обучающая"
    "|训练|訓練|学習|훈련|학습|eğitim",
    "validation": "val|valid|validate|validation|validating|dev|devel|development|eval|evaluate"
    "|evaluation|evaluating|tuning|validierung|validación|validazione|validação|validatie|walidacja"
    "|валидация|验证|驗證|検証|검증|doğrulama",
    "test": "test|testing|tests|tst|holdout|heldout|prüfung|essais?|pruebas?|provas?"
    "|testes?|testowy|тест|тестирование|测试|測試|テスト|評価|테스트|시험",
}
_FILLERS = (
    "x|the|data|dataset|set|split|fold|part|folder|dir|image|img|photo|picture|file|final"
    "|s?daten|s?datensatz|s?satz|s?bilder|(?:jeu|ensemble|données|conjunto|datos|dados)(?:de|d)?|imágenes"
    "|imagens|immagini|выборка|集|数据|數據|资料|图像|图片|圖片|データ|セット|画像|用|데이터|세트|이미지"
)


def _letters(text: str) -> str:
    """Returns the letters of a text without case and accents."""
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKD", text.casefold())))


def _pattern(words: str) -> str:
    """Returns a pattern of alternatives with the spelling of `_letters`."""
    return re.sub(r"\w+", lambda word: _letters(word[0]), unicodedata.normalize("NFC", words))


_FILLER = f"(?:{_pattern(_FILLERS)})s?"
_PATTERNS = {
    split: re.compile(f"(?:{_FILLER})*(?:{_pattern(names)})(?:{_FILLER})*")
    for split, names in _MEANINGS.items()
}
_UNLABELLED = re.compile(rf"(?:{_FILLER})*(?:unlabell?ed|nolabels?)(?:{_FILLER})*")


def means_unlabelled(name: str) -> bool:
    """Returns whether a folder's name means images without a label, such as `unlabeled_data`."""
    return _UNLABELLED.fullmatch(_letters(name)) is not None


def split_meant(name: str) -> str | None:
    """Returns the split that a folder's name means: `train`, `validation`, `test` or `None`.

    Case, accents, digits, punctuation and words such as `set`, `data` or `images` do not count:
    `Train`, `TRAIN_SET`, `train2017`, `training images` and `entraînement` all mean `train`.
    """
    letters = _letters(name)
    return next((split for split in SPLITS if _PATTERNS[split].fullmatch(letters)), None)
