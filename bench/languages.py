"""Lyrics in ten languages: which one is found, how lines are split and read, and what of them has no symbol.

python bench/languages.py --out bench/results/languages.json

Toy lines are drawn from the grammars of tasks/toy/languages, whose words are known; the other lines were written for this. A
reading is right where its phones are those of the same words as they are said: Japanese in kana, Korean respelt by its sounds,
Mandarin in pinyin.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.error_rates import count_errors
from flows.settings.params import load_params
from tasks.languages.detect import detect
from tasks.languages.kana import phones_of_kana
from tasks.languages.mandarin import phones_of_pinyin
from tasks.languages.phones import phones_of
from tasks.languages.readers import build_reader
from tasks.languages.split import split_words
from tasks.languages.table import LANGUAGES
from tasks.models.phonemizer import build_phonemizer, normalise_words
from tasks.toy.languages.all import LANGUAGES as TOY

CODES = (*LANGUAGES,)
SEED, NUM_LINES, LINES_A_SONG, NUM_SONGS = 29, 200, 8, 100
JAPANESE = {
    "夜の街を歩いてる": "ヨルノマチヲアルイテル",
    "君の声が聞こえる": "キミノコエガキコエル",
    "私は今日も歌う": "ワタシワキョーモウタウ",
    "桜の花びらが散る": "サクラノハナビラガチル",
    "東京へ行こう": "トーキョーエイコー",
    "涙が止まらない": "ナミダガトマラナイ",
    "ずっとそばにいて": "ズットソバニイテ",
    "空を見上げて笑う": "ソラヲミアゲテワラウ",
    "忘れられない夏の日": "ワスレラレナイナツノヒ",
    "二人で手をつないで": "フタリデテヲツナイデ",
    "何度でも立ち上がる": "ナンドデモタチアガル",
    "世界中で一番好きだ": "セカイジューデイチバンスキダ",
    "夢の中へ": "ユメノナカエ",
    "雨が降る朝": "アメガフルアサ",
    "風に吹かれて": "カゼニフカレテ",
    "愛してると言ってくれ": "アイシテルトイッテクレ",
    "今夜は眠れない": "コンヤワネムレナイ",
    "遠い海の向こう": "トーイウミノムコー",
    "心に火をつけて": "ココロニヒヲツケテ",
    "さよならは言わない": "サヨナラワイワナイ",
}
KOREAN = {
    "사랑하고 있어": "사랑하고 이써",
    "너를 잊을 수 없어": "너를 이즐 수 업써",
    "꽃잎이 떨어져": "꼰니피 떠러져",
    "같이 걸어가": "가치 거러가",
    "좋아한다고 말해": "조아한다고 말해",
    "별빛 아래": "별삗 아래",
    "학교 앞에서": "학꾜 아페서",
    "밤하늘을 봐": "밤하느를 봐",
    "괜찮아 울지 마": "괜차나 울지 마",
    "책을 읽고": "채글 일꼬",
    "먹는 모습": "멍는 모습",
    "국물이 뜨거워": "궁무리 뜨거워",
    "신라의 달밤": "실라의 달밤",
    "너와 함께라면": "너와 함께라면",
    "눈물이 흘러": "눈무리 흘러",
    "끝없는 길": "끄덤는 길",
    "앉아 있는 너": "안자 인는 너",
    "기억나니": "기엉나니",
    "첫눈이 와": "천누니 와",
    "옆에 있을게": "여페 이쓸께",
}
MANDARIN = {
    "我记得重要的事": "wo ji de zhong yao de shi",
    "银行在长街": "yin hang zai chang jie",
    "我们都长大了": "wo men dou zhang da le",
    "他还没有还钱": "ta hai mei you huan qian",
    "我觉得很快乐": "wo jue de hen kuai le",
    "听音乐睡觉": "ting yin yue shui jiao",
    "头发长了": "tou fa chang le",
    "出发去远方": "chu fa qu yuan fang",
    "为了你": "wei le ni",
    "月亮代表我的心": "yue liang dai biao wo de xin",
    "绿色的女儿": "lü se de nü er",
    "重新开始": "chong xin kai shi",
    "这是他的目的": "zhe shi ta de mu di",
    "你得走了": "ni dei zou le",
    "都市的夜": "du shi de ye",
    "朝阳升起": "zhao yang sheng qi",
    "了解我": "liao jie wo",
    "一朵花落下": "yi duo hua luo xia",
    "背着背包": "bei zhe bei bao",
    "看着你的眼睛": "kan zhe ni de yan jing",
}
FRENCH = {
    "les amis": "lez ami",
    "les fleurs": "le flœʁ",
    "nous avons": "nuz avɔ̃",
    "nous chantons": "nu ʃɑ̃tɔ̃",
    "mon amour": "mɔ̃n amuʁ",
    "un enfant": "œ̃n ɑ̃fɑ̃",
    "petit ami": "pətit ami",
    "ils ont": "ilz ɔ̃",
    "des étoiles": "dez etwal",
    "vous êtes": "vuz ɛt",
}
SONGS = {
    "en": "i walk alone beneath the silver sky|you hold my hand and never say goodbye|the river hums a song that we once knew|and every road i take leads back to you",
    "de": "ich gehe allein durch die stille nacht|du hast mir so viel licht gebracht|der fluss singt leise unser lied|und keiner weiß was noch geschieht",
    "fr": "je marche seul sous le ciel gris|tu tiens ma main et tu souris|la rivière chante notre chanson|et tous les chemins mènent à la maison",
    "es": "camino solo bajo el cielo gris|tomas mi mano y me siento feliz|el río canta nuestra canción|y todo vuelve a mi corazón",
    "it": "cammino solo sotto il cielo blu|mi tieni la mano e ci sei solo tu|il fiume canta la nostra canzone|e ogni strada porta al tuo nome",
    "pt": "caminho só debaixo do céu|seguro a tua mão e o mundo é meu|o rio canta a nossa canção|e tudo volta ao meu coração",
    "ru": "я иду один под серым небом|ты держишь руку и молчишь|река поёт нам нашу песню|и ты со мною рядом спишь",
    "zh": "我一个人走在夜里|你牵着我的手|河水唱着我们的歌|所有的路都回到你",
    "ja": "|".join([*JAPANESE][:4]),
    "ko": "|".join([*KOREAN][:4]),
}


def phones(ipa: str) -> list[str]:
    """The phones of IPA with blanks."""
    return phones_of("".join(ipa.split()))


def read(code: str, words: Sequence[str]) -> list[str]:
    """The phones of words by the reader of their language."""
    return phones("".join(one.phonemes if one else "?" for one in build_reader(code).read(words)))


def rated(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, Any]:
    """Lines read to the last phone, and the phone error rate."""
    counts = [count_errors(expected, found) for expected, found in pairs]
    return {
        "lines": len(counts),
        "exact": sum(not one.errors for one in counts),
        "phone_error_rate": round(sum(c.errors for c in counts) / sum(c.num_reference for c in counts), 4),
    }


def readings() -> dict[str, Any]:
    """Each language's reader on lines written for it."""
    japanese = [
        (phones(phones_of_kana(kana)[0]), read("ja", split_words([line], "ja", CODES)[0]))
        for line, kana in JAPANESE.items()
    ]
    korean = [(read("ko", said.split()), read("ko", line.split())) for line, said in KOREAN.items()]
    mandarin = [
        (phones("".join(phones_of_pinyin(one) or "?" for one in pinyin.split())), read("zh", [*line]))
        for line, pinyin in MANDARIN.items()
    ]
    french = [(phones(ipa), read("fr", line.split())) for line, ipa in FRENCH.items()]
    return {
        code: rated(pairs)
        for code, pairs in (("ja", japanese), ("ko", korean), ("zh", mandarin), ("fr", french))
    }


def toy_lines(code: str) -> list[list[str]]:
    """Lines of a toy grammar as words."""
    rng = np.random.default_rng(SEED)
    return [[word.text for word in TOY[code].line(rng)] for _ in range(NUM_LINES)]


def splits() -> dict[str, Any]:
    """Toy lines written without blanks, against their words (of Mandarin: their characters): cuts between signs."""
    found = {}
    for toy, code in (("cmn", "zh"), ("ja", "ja")):
        right = wrong = missed = exact = 0
        for words in toy_lines(toy):
            expected = [*"".join(words)] if code == "zh" else words
            told = split_words(["".join(words)], code, CODES)[0]
            cuts, asked = (set(np.cumsum([len(word) for word in side])) for side in (told, expected))
            right, wrong, missed = (
                right + len(cuts & asked),
                wrong + len(cuts - asked),
                missed + len(asked - cuts),
            )
            exact += told == expected
        found[code] = {
            "lines": NUM_LINES,
            "exact": exact,
            "precision": round(right / (right + wrong), 4),
            "recall": round(right / (right + missed), 4),
        }
    return found


def toy_songs() -> dict[str, Any]:
    """Of every toy language: letters and symbols without a counterpart in a table of its own and in the released one, and the
    language found of songs of eight lines.
    """
    params = load_params().models.phonemizer.model_copy(update={"language": "auto"})
    readers = {
        symbols: build_phonemizer(params.model_copy(update={"symbols": symbols}))
        for symbols in ("ipa", "released")
    }
    found = {}
    for toy in TOY:
        code = {"cmn": "zh"}.get(toy, toy)
        lines = toy_lines(toy)
        words = [word for line in lines for word in line]
        said = {symbols: reader.phonemize(words) for symbols, reader in readers.items()}
        rng = np.random.default_rng(SEED)
        songs = [
            [word for at in rng.integers(NUM_LINES, size=LINES_A_SONG) for word in lines[at]]
            for _ in range(NUM_SONGS)
        ]
        told = [detect(" ".join(song), CODES, params.songs.min_letters) for song in songs]
        phones_said = readers["ipa"].phones(words)
        found[code] = {
            "lines": NUM_LINES,
            "unknown_own_table": sum(one.unknown for one in said["ipa"]),
            "unknown_released_share": round(
                sum(one.unknown for one in said["released"])
                / sum(one.unknown + len(one.phonemes) for one in said["released"]),
                4,
            ),
            "symbols": len({symbol for one in said["ipa"] for symbol in one.phonemes}),
            "errors_of_truth_against_itself": count_errors(phones_said, readers["ipa"].phones(words)).errors,
            "songs": NUM_SONGS,
            "language_found": sum(one == code for one in told),
        }
    return found


def written_songs() -> dict[str, Any]:
    """The language found of four lines, and of each line alone."""
    texts = {
        code: [" ".join(normalise_words(line)) for line in song.split("|")] for code, song in SONGS.items()
    }
    return {
        "songs": len(texts),
        "found": sum(detect(" ".join(lines), CODES, 20) == code for code, lines in texts.items()),
        "lines": sum(map(len, texts.values())),
        "lines_found": sum(
            detect(line, CODES, 20) == code for code, lines in texts.items() for line in lines
        ),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("bench/results/languages.json"))
    given = parser.parse_args()
    result = {
        "readings": readings(),
        "splits": splits(),
        "toy_songs": toy_songs(),
        "written_songs": written_songs(),
    }
    text = json.dumps(result, indent=1)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text + "\n")
    print(text)
