"""Runs pgspot over an install script, function by function, and compares what it finds with the exceptions written down.

A body that pgspot's parser cannot read (it knows no parameters qualified by the function's name) passes where the function
pins its search_path: what pgspot looks for in bodies are names that others could shadow.
"""

import argparse
import re
import sys
from collections import defaultdict

from pglast import ast
from pglast.parser import ParseError, parse_sql
from pgspot import visitors
from pgspot.state import Counter, State

# What follows from one thing: the search_path of the body is the caller's.
BODY = {"PS001", "PS005", "PS009", "PS016", "PS017"}


def name_of(statement):
    if isinstance(statement, ast.CreateFunctionStmt):
        return ".".join(part.sval for part in statement.funcname)
    return "the script itself"


def findings(path):
    sql = open(path, encoding="utf-8").read()
    found = defaultdict(set)
    at = None

    class Collector(Counter):
        def print_issue(self, code, context):
            found[at].add((code, context))

    args = argparse.Namespace(
        ignore=[], ignore_lang=[], proc_without_search_path=[], sql_fn=[], summary_only=True, plpgsql=True)
    state = State(Collector(args))
    parsed_body = visitors.visit_plpgsql

    def visit_body(inner, node):
        try:
            parsed_body(inner, node)
        except ParseError as error:
            if not inner.searchpath_secure:
                found[at].add(("unread", str(error)))

    visitors.visit_plpgsql = visit_body
    visitor = visitors.SQLVisitor(state)
    for statement in parse_sql(sql):
        at = name_of(statement.stmt)
        visitor(statement)
    return found


def exceptions(path):
    """Blocks of a reason (lines with #) and the functions it holds for, each with further codes where it has some."""
    excused, reason = {}, False
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.strip()
        if line.startswith("#"):
            reason = True
        elif not line:
            reason = False
        elif line.startswith(";"):
            continue
        elif not reason:
            sys.exit(f"{path}:{number}: an exception without a reason")
        else:
            name, *codes = re.split(r"\s\s+|\s(?=PS|unread)", line)
            excused[name] = set(codes) or BODY
    return excused


def main():
    found, excused = findings(sys.argv[1]), exceptions(sys.argv[2])
    failed = False
    for name, issues in sorted(found.items()):
        for code, context in sorted(issues):
            if code not in excused.get(name, ()):
                failed = True
                print(f"{name}: {code}: {context[:200]}")
    for name in sorted(excused.keys() - found.keys()):
        failed = True
        print(f"{name}: there is nothing left to excuse")
    sys.exit(1 if failed else 0)


main()
