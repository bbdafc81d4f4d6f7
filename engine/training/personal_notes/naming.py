"""Composes names of people and places from syllables of many languages, so that none can be guessed."""

from __future__ import annotations

import random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Beginnings and endings belong together, so that a name sounds as if it came from one place.
_FIRST_PARTS = tuple(
    (_words(starts), _words(ends))
    for starts, ends in (
        ("Mil Rad Zden Bog Vlad Dobr Stan Jar Lub Zor", "mila ka omir ena islav oš an ica ek una"),
        ("Aki Haru Nao Sato Yori Mitsu Tomo Kazu Shi Re", "ko mi ro ya ne to shi ka ki na"),
        ("Ade Chi Olu Ife Nne Oko Tun Ama Kwa Eze", "bayo ma kemi nna sola ji de ra ku wale"),
        ("Sig Thor Arn Hal Gun Ragn Ing Frey Ei Sol", "run vald hild bjor nar veig dis mund rik a"),
        ("Fer Ros Cal Mar Bel Jul Ser Nev Al Vi", "nanda alba ista iso inda emar ena io cino ona"),
        ("Sha Fari Nas Lay Zu Kha Sami Rau Jale Mor", "reen da rin la bair lid ra fa h vash"),
        ("Aru Dev Kavi Nila Sury Man Pra Lak Isha Vas", "na ika tha mini esh ila deep an ni anti"),
        ("Bran Cer Gwen Nia Rhon Tal Eir Mor Caer El", "wen ys dan mh da iesin lys fudd wyn ir"),
        (
            "Leo Quen Ann Bri Cle Ger Odi Mat Fab Syl",
            "nie tin elore gitte mence laine lon thilde ienne vette",
        ),
        ("Mako Tui Sefa Lani Koa Nahe Ari Hina Pele Tama", "na la ki loa ri mana he to nui ika"),
    )
)
_LAST_PARTS = tuple(
    (_words(starts), _words(ends))
    for starts, ends in (
        (
            "Brz Kow Wis Zale Mich Gór Dom Pawl Stry Rudn",
            "ezicki alik niewa ski alczyk ka anski owicz jek iak",
        ),
        ("Ishi Kuro Naga Ta Mori Fuji Oka Hoshi Ari Sugi", "hara mizu nishi guchi zawa waki ne da bashi ta"),
        ("Ada Obi Nwo Ola Eke Bam Aki Mba Ogu Chu", "fola kwe gu dele ne idele ntola eke nleye kwu"),
        ("Lind Berg Ask Holm Ek Sund Kvar Stor Nord Häll", "qvist ström gaard vik lund stad nes by dal mark"),
        (
            "Cas Mont Fig Val Bor Tor Qui Sal Aro Per",
            "telbo aldi ueira dano ghese resani roga vatera na eyra",
        ),
        (
            "Har Pend Tre Ash Wick Thorn Black Mar Cob Fen",
            "grove ennis lowan worth stead bury moor chant ham wick",
        ),
        ("Dem Kara Öz Yil Ars Sön Tek Bay Er Gün", "irtas koç bek maz lan mez in rak dogan gör"),
        (
            "Vel Nan Cha Rama Sub Mukh Desh Iyen Bhat Kul",
            "ur dakar krath nujan ramani erji pande gar tar karni",
        ),
        (
            "Stei Ober Gru Wald Kirch Schön Alt Neu Brun Lang",
            "ninger hofer bauer mann ner feld haus mayr nwald stätter",
        ),
        (
            "Papa Kon Theo Mav Vas Stav Lio Kal Dra Gian",
            "dakis topoulos dorou ros iliou ridis tas oudis goumis nakis",
        ),
    )
)
_PLACE_STARTS = _words(
    "Alder Bracken Carn Dun Ester Fal Grim Hollow Inver Kel Lor Mar Nether Oster Pen Quar Rav Sel Tor Under "
    "Vel Wen Yar Zell Kirch Mont San Villa Port Ober Nagy Stara Novo Bel Gor Ski Tveit"
)
_PLACE_ENDS = _words(
    "by ton mouth ford wick dale burg ville stad ham haven minster mere cross bridge beck holt wald brück "
    "ona ino ello anska ovice grad igny ac euil eda illo heim sund vik nes lahti järvi uma dera"
)


def _composed(rng: random.Random, parts: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> str:
    starts, ends = parts[int(rng.random() * len(parts))]
    return starts[int(rng.random() * len(starts))] + ends[int(rng.random() * len(ends))]


def composed_first_name(rng: random.Random) -> str:
    """A first name that sounds like one of ten languages and is mostly in none of them."""
    return _composed(rng, _FIRST_PARTS)


def composed_last_name(rng: random.Random) -> str:
    """A surname of the same making."""
    return _composed(rng, _LAST_PARTS)


def composed_place(rng: random.Random) -> str:
    """A town that is on no map, or only by chance."""
    return (
        _PLACE_STARTS[int(rng.random() * len(_PLACE_STARTS))]
        + _PLACE_ENDS[int(rng.random() * len(_PLACE_ENDS))]
    )
