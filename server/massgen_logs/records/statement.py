"""What SQL may be: one SELECT over `records`, checked on its parse tree before it runs, and fitted to DuckDB.

Logfire speaks Postgres' dialect, and three things mean something else in DuckDB: `float` has four bytes there, `->` binds
weaker than comparisons, and what it gives can't be compared with a text. They are put right in the parse tree, so that
the same query gives the same answer.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, cast

import duckdb
import orjson

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.records.schema import NAMES

LONGEST = 100_000
"""Characters of a statement."""
_TABLE_FUNCTIONS = frozenset({"unnest", "generate_series", "range", "json_each", "json_tree"})
_REFS = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "EMPTY_FROM", "PIVOT"}
)
_REFUSED = re.compile(
    r"current_setting|getvariable|getenv|nextval|currval|version|current_(?:user|role|database|schemas?|catalog|query)"
    r"|(?:session_)?user|pg_.*|write_log|parse_duckdb_log.*|json_.*sql|in_search_path|txid_current|duckdb_.*|icu_.*"
)
_TOKEN = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*.*?\*/)|(?P<literal>[eE]?'(?:[^']|'')*'|\d+)|(?P<name>\"(?:[^\"]|\"\")*\"|[A-Za-z_]\w*)"
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|->>|->|.",
    re.S,
)
_SINGLE = frozenset({"FLOAT", "REAL", "FLOAT4"})
_LIKE = frozenset({"~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"})
_TO_TEXT: dict[str, Any] = {
    "class": "FUNCTION", "type": "FUNCTION", "alias": "", "function_name": "->>", "schema": "", "filter": None,
    "order_bys": {"type": "ORDER_MODIFIER", "orders": []}, "distinct": False, "is_operator": True, "export_state": False,
    "catalog": "", "qualified_name": {"path": ["->>"]}, "is_legacy_function_call": False,
}  # fmt: skip
_UNKNOWN = re.compile(r'[Cc]olumn (?:named )?"([^"]+)"')
_COLUMNS = f"Columns of records: {', '.join(NAMES)}. All else stands in attributes: attributes->>'massgen.agent_id'."


def checked(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The statement to run.

    Raises:
        MassgenLogError: naming what is not allowed, or what the engine can't parse.
    """
    if len(sql) > LONGEST:
        raise MassgenLogError(f"sql has {len(sql):,} characters; it may have {LONGEST:,}.")
    sql = _bound(sql)
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise MassgenLogError(explain(str(error))) from error
    if len(statements) != 1:
        raise MassgenLogError(f"sql must be one statement, not {len(statements)}.")
    kind = statements[0].type.name
    if kind != "SELECT":
        raise MassgenLogError(f"Only SELECT is answered, not {kind}: records are read-only.")
    tree = _parsed(connection, sql)
    common = {name.lower() for node in _nodes(tree) for name in _common_tables(node)}
    nodes = list(_nodes(tree))
    for node in nodes:
        _check(node, common)
    if not sum([*map(_fit, nodes), *map(_as_text, _nodes(tree))]):
        return sql
    back = connection.execute("SELECT json_deserialize_sql(?::JSON)", [orjson.dumps(tree).decode()]).fetchone()
    return str(back[0]) if back else sql


def explain(message: str) -> str:
    """The engine's message without its marks, the nearest column, and all of them."""
    first = re.sub(r" Use \"SET .*", "", message.split("\n\nLINE", 1)[0].strip())
    wanted = _UNKNOWN.search(first)
    name = wanted[1].lower() if wanted else ""
    near = difflib.get_close_matches(name, NAMES, 3, 0.5) if name not in NAMES else []
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return f"{first[:600]}{hint} {_COLUMNS}"


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    try:
        row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
        tree: dict[str, Any] = orjson.loads(row[0]) if row else {}
    except (duckdb.Error, orjson.JSONDecodeError) as error:
        raise MassgenLogError(f"The query is nested too deeply, or can't be parsed. {_COLUMNS}") from error
    if tree.get("error") is not False:
        raise MassgenLogError(f"Only SELECT over records is answered ({tree.get('error_message')}).")
    return tree


def _check(node: dict[str, Any], common: set[str]) -> None:
    """Refuse a table, a table function or a function that is none of the records'."""
    kind = node.get("type")
    if "sample" in node and kind not in _REFS and kind != "SELECT_NODE":
        raise MassgenLogError(f"Only SELECT over records is answered, not {kind}. {_COLUMNS}")
    if kind == "BASE_TABLE":
        name, schema = str(node.get("table_name", "")).lower(), str(node.get("schema_name", "")).lower()
        plain = not schema and not node.get("catalog_name") and (name == "records" or name in common)
        if not plain and (schema, name) != ("information_schema", "columns"):
            raise MassgenLogError(
                f"There is no table {quoted(str(node.get('table_name')))}; the only one is records. {_COLUMNS}"
            )
    elif kind == "TABLE_FUNCTION":
        name = str(cast("dict[str, Any]", node.get("function") or {}).get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS:
            raise MassgenLogError(
                f"The table function {name or '?'} is not allowed: SQL reads records and nothing else."
            )
    elif kind == "FUNCTION" and _REFUSED.fullmatch(str(node.get("function_name", "")).lower()):
        raise MassgenLogError(
            f"The function {node.get('function_name')} is not allowed: settings and the environment can't be read."
        )


def _fit(node: dict[str, Any]) -> bool:
    """Give `float` eight bytes; True if the node was changed."""
    if "qualified_name" in node and str(node.get("type_name", "")).upper() in _SINGLE:
        node["type_name"], node["qualified_name"] = "DOUBLE", {"path": ["DOUBLE"]}
        return True
    return False


def _bound(sql: str) -> str:
    """The statement with parentheses around each `a->'b'`, so that it binds as in Postgres."""
    tokens = [match for match in _TOKEN.finditer(sql) if not match["skip"]]
    opened, closed = list[int](), dict[int, int]()
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    chain: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token[0] == "(":
            opened.append(index)
        elif token[0] == ")" and opened:
            closed[index] = opened.pop()
        elif token[0] in {"->", "->>"} and 0 < index < len(tokens) - 1 and tokens[index + 1]["literal"]:
            first = chain.get(index - 1, _operand(tokens, index - 1, closed))
            chain[index + 1] = first
            before[first], after[index + 1] = before.get(first, 0) + 1, 1
    parts, at = list[str](), 0
    for index, token in enumerate(tokens):
        parts += [sql[at : token.start()], "(" * before.get(index, 0), token[0], ")" * after.get(index, 0)]
        at = token.end()
    return "".join([*parts, sql[at:]])


def _operand(tokens: list[re.Match[str]], last: int, closed: dict[int, int]) -> int:
    """The first token of the operand that ends with this one: a name, a path of names, a call, or what parentheses hold."""
    first = closed.get(last, last)
    if first != last and tokens[first - 1]["name"] and tokens[first - 1].end() == tokens[first].start():
        first -= 1
    while first > 1 and tokens[first - 1][0] == "." and tokens[first - 2]["name"]:
        first -= 2
    return first


def _as_text(node: dict[str, Any]) -> bool:
    """Let `->` give text where it is compared with a text; True if the node was changed."""
    kind = node.get("class")
    if kind == "COMPARISON":
        sides: list[tuple[Any, Any]] = [(node, "left"), (node, "right")]
    elif kind == "FUNCTION" and node.get("function_name") in _LIKE:
        sides = [(argument, "expression") for argument in node["arguments"]]
    elif kind == "OPERATOR" and node.get("type") in {"COMPARE_IN", "COMPARE_NOT_IN"}:
        sides = [(node["children"], index) for index in range(len(node["children"]))]
    else:
        return False
    if not any(_is_text(holder[key]) for holder, key in sides):
        return False
    arrows = [(holder, key) for holder, key in sides if holder[key].get("class") == "LAMBDA"]
    for holder, key in arrows:
        arrow = holder[key]
        arguments = [{"name": "", "expression": arrow[side]} for side in ("lhs", "expr")]
        holder[key] = {**_TO_TEXT, "arguments": arguments}
    return bool(arrows)


def _is_text(node: dict[str, Any]) -> bool:
    return node.get("class") == "CONSTANT" and cast("dict[str, Any]", node.get("literal") or {}).get("kind") == "STRING"


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            node = cast("dict[str, Any]", one)
            yield node
            waiting.extend(node.values())
        elif isinstance(one, list):
            waiting.extend(cast("list[object]", one))


def _common_tables(node: dict[str, Any]) -> list[str]:
    entries = cast("list[dict[str, Any]]", cast("dict[str, Any]", node.get("cte_map") or {}).get("map") or [])
    return [str(entry.get("key", "")) for entry in entries]
