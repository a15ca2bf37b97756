"""The English names of time zones that java.text.SimpleDateFormat reads (Java 25), and what they stand for."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter

_BY_OFFSET: Mapping[int, str] = {
    -660: "American Samoa Daylight Time, American Samoa Standard Time, Niue Daylight Time, Niue Time, SST",
    -600: (
        "Cook Islands Standard Time, Cook Islands Summer Time, HAST, HDT, HST, Hawaii-Aleutian Daylight Time, "
        "Hawaii-Aleutian Standard Time, Tahiti Daylight Time, Tahiti Time"
    ),
    -570: "Marquesas Daylight Time, Marquesas Time",
    -540: "AKST, Alaska Standard Time, Gambier Daylight Time, Gambier Time, HADT",
    -480: "AKDT, Alaska Daylight Time, PST, Pacific Standard Time, Pitcairn Daylight Time, Pitcairn Time",
    -420: (
        "Dawson Daylight Time, MST, Mexican Pacific Daylight Time, Mexican Pacific Standard Time, Mountain "
        "Standard Time, PDT, Pacific Daylight Time, Whitehorse Daylight Time, Yukon Time"
    ),
    -360: (
        "CST, Central Standard Time, Easter Island Standard Time, Galapagos Daylight Time, Galapagos Time, MDT, "
        "Mountain Daylight Time"
    ),
    -300: (
        "Acre Standard Time, Acre Summer Time, CDT, Central Daylight Time, Colombia Standard Time, Colombia Summer "
        "Time, Cuba Standard Time, EST, Easter Island Summer Time, Eastern Standard Time, Ecuador Time, Guayaquil "
        "Daylight Time, Peru Standard Time, Peru Summer Time"
    ),
    -240: (
        "AST, Amazon Standard Time, Amazon Summer Time, Atlantic Standard Time, Bolivia Time, Caracas Daylight "
        "Time, Chile Standard Time, Cuba Daylight Time, EDT, Eastern Daylight Time, Guyana Daylight Time, Guyana "
        "Time, La Paz Daylight Time, Venezuela Time"
    ),
    -210: "NST, Newfoundland Standard Time",
    -180: (
        "ADT, Argentina Standard Time, Argentina Summer Time, Atlantic Daylight Time, Brasilia Standard Time, "
        "Brasilia Summer Time, Cayenne Daylight Time, Chile Summer Time, Coyhaique Daylight Time, Coyhaique "
        "Standard Time, Falkland Islands Standard Time, Falkland Islands Summer Time, French Guiana Time, Palmer "
        "Daylight Time, Palmer Standard Time, Paraguay Standard Time, Paraguay Summer Time, Paramaribo Daylight "
        "Time, Punta Arenas Daylight Time, Punta Arenas Standard Time, Rothera Daylight Time, Rothera Time, St. "
        "Pierre & Miquelon Standard Time, Suriname Time, Uruguay Standard Time, Uruguay Summer Time"
    ),
    -150: "NDT, Newfoundland Daylight Time",
    -120: (
        "Fernando de Noronha Standard Time, Fernando de Noronha Summer Time, Greenland Standard Time, South "
        "Georgia Daylight Time, South Georgia Time, St. Pierre & Miquelon Daylight Time"
    ),
    -60: "Azores Standard Time, Cape Verde Standard Time, Cape Verde Summer Time, Greenland Summer Time",
    0: (
        "Abidjan Daylight Time, Accra Daylight Time, Azores Summer Time, Bamako Daylight Time, Banjul Daylight "
        "Time, Bissau Daylight Time, Casablanca Standard Time, Conakry Daylight Time, Coordinated Universal Time, "
        "Dakar Daylight Time, Danmarkshavn Daylight Time, El Aaiun Standard Time, Freetown Daylight Time, GMT, "
        "Greenwich Mean Time, Lome Daylight Time, Monrovia Daylight Time, Nouakchott Daylight Time, Ouagadougou "
        "Daylight Time, Reykjavik Daylight Time, St. Helena Daylight Time, São Tomé Daylight Time, UTC, WET, "
        "Western European Standard Time"
    ),
    60: (
        "BST, British Summer Time, CET, Casablanca Daylight Time, Central European Standard Time, El Aaiun "
        "Daylight Time, Irish Standard Time, WAT, WEST, Western European Summer Time"
    ),
    120: (
        "Blantyre Daylight Time, Bujumbura Daylight Time, CAT, CEST, Central Africa Time, Central European Summer "
        "Time, EET, Eastern European Standard Time, Famagusta Standard Time, Gaborone Daylight Time, Harare "
        "Daylight Time, IST, Israel Standard Time, Johannesburg Daylight Time, Juba Daylight Time, Khartoum "
        "Daylight Time, Kigali Daylight Time, Lubumbashi Daylight Time, Lusaka Daylight Time, Maputo Daylight "
        "Time, Maseru Daylight Time, Mbabane Daylight Time, SAST, South Africa Standard Time, Troll Daylight Time, "
        "Windhoek Daylight Time"
    ),
    180: (
        "Addis Ababa Daylight Time, Amman Daylight Time, Amman Standard Time, Antananarivo Daylight Time, Arabian "
        "Daylight Time, Arabian Standard Time, Asmara Daylight Time, Comoro Daylight Time, Damascus Daylight Time, "
        "Damascus Standard Time, Dar es Salaam Daylight Time, Djibouti Daylight Time, EAT, EEST, East Africa Time, "
        "Eastern European Summer Time, Famagusta Daylight Time, IDT, Israel Daylight Time, Kampala Daylight Time, "
        "Kirov Daylight Time, Kirov Standard Time, MSK, Mayotte Daylight Time, Mogadishu Daylight Time, Moscow "
        "Standard Time, Moscow Summer Time, Nairobi Daylight Time, Syowa Daylight Time, Syowa Time, Volgograd "
        "Standard Time, Volgograd Summer Time"
    ),
    210: "Iran Daylight Time, Iran Standard Time",
    240: (
        "Armenia Standard Time, Armenia Summer Time, Azerbaijan Standard Time, Azerbaijan Summer Time, Dubai "
        "Daylight Time, Georgia Standard Time, Georgia Summer Time, Gulf Standard Time, Mahe Daylight Time, "
        "Mauritius Standard Time, Mauritius Summer Time, Muscat Daylight Time, Réunion Daylight Time, Réunion "
        "Time, Samara Standard Time, Samara Summer Time, Saratov Daylight Time, Saratov Standard Time, Seychelles "
        "Time, Ulyanovsk Daylight Time, Ulyanovsk Standard Time"
    ),
    270: "Afghanistan Time, Kabul Daylight Time",
    300: (
        "Almaty Daylight Time, Aqtau Daylight Time, Aqtobe Daylight Time, Atyrau Daylight Time, Dushanbe Daylight "
        "Time, French Southern & Antarctic Time, Kazakhstan Time, Kerguelen Daylight Time, Kostanay Daylight Time, "
        "Maldives Daylight Time, Mawson Daylight Time, Mawson Time, Oral Daylight Time, PKST, PKT, Pakistan "
        "Standard Time, Pakistan Summer Time, Qyzylorda Daylight Time, Tajikistan Time, Turkmenistan Standard "
        "Time, Turkmenistan Summer Time, Uzbekistan Standard Time, Uzbekistan Summer Time, Vostok Daylight Time, "
        "Vostok Time, Yekaterinburg Standard Time, Yekaterinburg Summer Time"
    ),
    330: "Colombo Daylight Time, India Standard Time, Kolkata Daylight Time",
    345: "Kathmandu Daylight Time, Nepal Time",
    360: (
        "Bangladesh Standard Time, Bangladesh Summer Time, Bhutan Time, Bishkek Daylight Time, Chagos Daylight "
        "Time, Indian Ocean Time, Kyrgyzstan Time, Omsk Standard Time, Omsk Summer Time, Thimphu Daylight Time, "
        "Urumqi Daylight Time, Urumqi Standard Time"
    ),
    390: "Cocos Islands Daylight Time, Cocos Islands Time, Myanmar Time, Yangon Daylight Time",
    420: (
        "Bangkok Daylight Time, Barnaul Daylight Time, Barnaul Standard Time, Christmas Island Daylight Time, "
        "Christmas Island Time, Davis Daylight Time, Davis Time, Ho Chi Minh City Daylight Time, Hovd Standard "
        "Time, Hovd Summer Time, Indochina Time, Jakarta Daylight Time, Krasnoyarsk Standard Time, Krasnoyarsk "
        "Summer Time, Novosibirsk Standard Time, Novosibirsk Summer Time, Phnom Penh Daylight Time, Pontianak "
        "Daylight Time, Tomsk Daylight Time, Tomsk Standard Time, Vientiane Daylight Time, WIB"
    ),
    480: (
        "AWDT, AWST, Australian Western Daylight Time, Australian Western Standard Time, Brunei Daylight Time, "
        "Brunei Time, Central Indonesia Time, China Daylight Time, China Standard Time, HKST, HKT, Hong Kong "
        "Standard Time, Hong Kong Summer Time, Irkutsk Standard Time, Irkutsk Summer Time, Kuala Lumpur Daylight "
        "Time, Kuching Daylight Time, Makassar Daylight Time, Malaysia Time, Philippine Standard Time, Philippine "
        "Summer Time, Singapore Daylight Time, Singapore Standard Time, Taiwan Daylight Time, Taiwan Standard "
        "Time, Ulaanbaatar Standard Time, Ulaanbaatar Summer Time"
    ),
    525: "Australian Central Western Daylight Time, Australian Central Western Standard Time",
    540: (
        "Dili Daylight Time, Eastern Indonesia Time, JDT, JST, Japan Daylight Time, Japan Standard Time, Jayapura "
        "Daylight Time, KST, Korean Daylight Time, Korean Standard Time, Palau Daylight Time, Palau Time, "
        "Timor-Leste Time, WIT, Yakutsk Standard Time, Yakutsk Summer Time"
    ),
    570: "ACDT, ACST, Australian Central Daylight Time, Australian Central Standard Time",
    600: (
        "AEST, Australian Eastern Standard Time, ChST, Chamorro Standard Time, Chuuk Daylight Time, Chuuk Time, "
        "Dumont d\u2019Urville Time, Dumont-d\u2019Urville Daylight Time, Guam Daylight Time, Papua New Guinea Time, "
        "Port Moresby Daylight Time, Saipan Daylight Time, Vladivostok Standard Time, Vladivostok Summer Time"
    ),
    630: "Lord Howe Standard Time",
    660: (
        "AEDT, Australian Eastern Daylight Time, Bougainville Daylight Time, Bougainville Standard Time, "
        "Guadalcanal Daylight Time, Kosrae Daylight Time, Kosrae Time, Lord Howe Daylight Time, Magadan Standard "
        "Time, Magadan Summer Time, New Caledonia Standard Time, New Caledonia Summer Time, Norfolk Island "
        "Standard Time, Pohnpei Daylight Time, Sakhalin Standard Time, Sakhalin Summer Time, Solomon Islands Time, "
        "Srednekolymsk Daylight Time, Srednekolymsk Standard Time, Vanuatu Standard Time, Vanuatu Summer Time"
    ),
    720: (
        "Anadyr Standard Time, Anadyr Summer Time, Fiji Standard Time, Fiji Summer Time, Funafuti Daylight Time, "
        "Gilbert Islands Time, Kamchatka Standard Time, Kamchatka Summer Time, Kwajalein Daylight Time, Majuro "
        "Daylight Time, Marshall Islands Time, NZST, Nauru Daylight Time, Nauru Time, New Zealand Standard Time, "
        "Norfolk Island Daylight Time, Tarawa Daylight Time, Tuvalu Time, Wake Island Daylight Time, Wake Island "
        "Time, Wallis Daylight Time"
    ),
    765: "Chatham Standard Time",
    780: (
        "Enderbury Daylight Time, Fakaofo Daylight Time, NZDT, New Zealand Daylight Time, Phoenix Islands Time, "
        "Samoa Daylight Time, Samoa Standard Time, Tokelau Time, Tonga Standard Time, Tonga Summer Time"
    ),
    825: "Chatham Daylight Time",
    840: "Kiritimati Daylight Time, Line Islands Time",
}
"""By their minutes from UTC, today's; those of summer with what summer adds."""
ZONE_NAMES: Mapping[str, int] = {name: minutes for minutes, names in _BY_OFFSET.items() for name in names.split(", ")}
"""Minutes from UTC by name, in its usual case."""


def any_of(names: Iterable[str]) -> str:
    """A regular expression for any of them, the longest that there is; it tries those only that begin as the text."""
    ordered = sorted(names, key=lambda name: (name[0], -len(name)))
    groups = ((first, "|".join(map(re.escape, some))) for first, some in groupby(ordered, itemgetter(0)))
    return "|".join(f"(?={first})(?:{found})" for first, found in groups)
