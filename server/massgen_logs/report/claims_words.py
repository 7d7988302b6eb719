"""The words of which claims are made, as parts of regular expressions. A loose word is an answer's content only where nothing near it
belongs to the process."""

from __future__ import annotations

ANSWER = r"(?:answers?|solutions?|conclusions?|presentations?)"
LOOSE = (
    r"(?:results?|numbers?|counts?|sums?|totals?|values?|figures?|outputs?|responses?|outcomes?|claims?|calculations?"
    r"|computations?|arithmetic|maths?|formulas?|proofs?|derivations?|code|haikus?|poems?|essays?|stor(?:y|ies)"
    r"|translations?|submissions?|lists?|deliverables?|explanations?)"
)
ADJECTIVE = (
    r"(?:(?:in)?correct|right|wrong|(?:in)?accurate|true|false|(?:in)?valid|erroneous|mistaken|flawless|flawed|faultless|error-free|bogus|nonsens(?:e|ical)"
    r"|(?:free\s+of|without)\s+(?:any\s+)?(?:errors?|mistakes?)|off\s+by\s+\w+)"
)
GIVEN = r"(?:(?:in)?correct|right|wrong|(?:in)?accurate|true|false|erroneous|mistaken|flawless|flawed|error-free)"
ADVERB = r"(?:(?:in)?correctly|(?:in)?accurately|properly|wrongly|rightly|erroneously|flawlessly)"
PROCESS = (
    r"(?:votes?|voters?|voting|ballots?|tall(?:y|ies)|commands?|(?:tool[\s-]+)?calls?|tools?|tool\w*|paths?|labels?|ids?|identifiers?|json|yaml|xml|"
    r"markdown|csv|html|files?|filenames?|folders?|director(?:y|ies)|workspaces?|flags?|imports?|modules?|packages?|formats?|"
    r"formatting|syntax|schemas?|arguments?|parameters?|options?|settings?|config\w*|urls?|links?|ports?|keys?|tokens?|costs?|"
    r"prices?|durations?|timestamps?|times?|timing|clocks?|exit|status|return\s+code|logs?|logged|records?|recorded|recording|metrics?|"
    r"entr(?:y|ies)|rows?|columns?|fields?|counters?|restarts?|rounds?|turns?|attempts?|retries|timeouts?|errors?|exceptions?|"
    r"failures?|tracebacks?|stack|messages?|traces?|events?|injections?|phases?|windows?|mappings?|mapped|order|sequence|names?|types?|versions?|"
    r"state|permissions?|lengths?|headings?|headers?|titles?|encodings?|whitespace|scripts?|tests?|queries|quer(?:y|ies)|requests?|"
    r"coordination|orchestrat\w+|quot(?:e|ation)s?|descriptions?|paraphrases?|cop(?:y|ies)|citations?|choices?|targets?|checks?|massgen\w*|system|process|session|summar(?:y|ies)|enforcement|model|backend|cache\w*|snapshots?|"
    r"[\w-]+\.(?:jsonl?|txt|md|log|ya?ml|py|csv|html))"
)
BE = r"(?:is|was|are|were|be|been|being|isn['’]t|wasn['’]t|aren['’]t|weren['’]t|prove[sdn]*|turn(?:ed|s)\s+out|seem(?:s|ed)?|appear(?:s|ed)?|look(?:s|ed)?|remain(?:s|ed)?)"
SURE = (
    r"(?:\s+(?:not|indeed|clearly|factually|completely|entirely|mathematically|fully|100%|also|all|both|therefore|thus|hence|still|now|"
    r"demonstrably|undoubtedly|trivially|obviously|certainly|definitely|plainly|simply|objectively|exact(?:ly)?|both|(?:complete|sound|clear|consistent|plausible)(?:,|\s+and)|"
    r"and|verified|confirmed|proven|found|shown|to\s+be|as))*"
)
VERB = (
    r"(?:identif|answer(?:ed|ing)|solv|comput|calculat|count|conclud|determin|deduc|deriv|predict|f(?:ou|i)nd|guess|stat|sum|work|reason|add|"
    r"list|reach|evaluat|diagnos|translat)\w*"
)
KIND = r"(?:arithmetic\w*|math\w*|factual|calculation|computation\w*|counting|logic\w*|rounding|addition|off-by-one)"
FAULT = r"(?:errors?|mistakes?|slips?|inaccurac(?:y|ies)|flaws?)"
TASK = r"(?:tasks?|questions?|problems?|puzzles?|sums?|bugs?|riddles?)"
