"""Abusive phrases, declared: threats, insults to the reader, calls to self-harm, people as vermin.

A small list of our own in English and Chinese. It finds what is said in so many words and nothing
else: no irony, no coded words, no slurs that it does not list, no other language; and it also finds
a phrase that is only quoted. Whoever needs more brings an evaluator of their own.
"""

from __future__ import annotations

import re

from pilotbase.catalog.rules.folding import folded

_PEOPLE = r"(?:women|men|foreigners|immigrants|refugees|muslims|jews|christians|blacks|whites|gays)"
_FORMS: tuple[tuple[str, str], ...] = (
    ("threat", r"\bi(?:'ll| will| am going to|'m going to) (?:kill|hurt|beat|find) you\b"),
    ("threat", r"\byou(?:'ll| will) (?:pay|die) for (?:this|it)\b"),
    ("threat", r"(?:弄死|打死|杀了|砍死|整死)你|(?:让|叫)你(?:不得好死|死得很难看)"),
    ("insult", r"\byou(?:'re| are)(?: (?:such|just|nothing but))?(?: (?:a|an))? ?"
               r"(?:complete |total |fucking |bloody )?"
               r"(?:idiot|moron|imbecile|stupid|worthless|pathetic|loser|bitch|bastard|scum)\b"),
    ("insult", r"\b(?:fuck you|fuck off|shut the fuck up|piece of shit|go to hell)\b"),
    ("insult", r"(?:傻|煞)[逼比屄]|脑残|白痴|蠢货|贱人|婊子"),
    ("insult", r"你(?:们)?(?:真|就)?(?:是|这)?(?:个|种|群)?(?:废物|智障|垃圾)"),
    ("insult", r"王八蛋|混蛋|滚蛋|他妈的|操你|去你妈"),
    ("self-harm", r"\b(?:go )?(?:kill|hang|hurt) yourself\b|\byou should (?:just )?die\b"),
    ("self-harm", r"你?(?:怎么不|赶紧|快)?去死(?:吧|啊)|你(?:应该|不如)(?:自杀|去死|死了算了)"),
    ("dehumanising", rf"\b{_PEOPLE} are (?:all )?"
                     r"(?:vermin|animals|parasites|subhuman|cockroaches)\b"),
    ("dehumanising", r"(?:都是|全是|不过是)(?:畜生|禽兽|蛆虫|寄生虫|劣等人|低等人)"),
)  # fmt: skip
_PATTERNS = tuple((kind, re.compile(form)) for kind, form in _FORMS)


def abuse(text: str) -> frozenset[str]:
    """The abusive phrases in a text, each with its kind.

    >>> sorted(abuse("You are an idiot. 你怎么不去死啊"))
    ['insult:you are an idiot', 'self-harm:你怎么不去死啊']
    """
    plain = " ".join(folded(text).replace("\u2019", "'").split())
    return frozenset(f"{kind}:{hit[0]}" for kind, form in _PATTERNS for hit in form.finditer(plain))
