"""Prometheus itself parses every query of the dashboards."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from grafana import generate
from simulator.stack import find_binary


def _expressions() -> list[str]:
    models = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(generate.FOLDER.rglob("*.json"))]
    targets = [target for model in models for panel in model["panels"] for target in panel.get("targets", [])]
    notes = [note for model in models for note in model["annotations"]["list"] if "expr" in note]
    return [each["expr"] for each in (*targets, *notes)]


def _as_grafana_sends(expr: str) -> str:
    filled = expr.replace("$__rate_interval", "20s").replace("$__range", "3600s")
    return re.sub(r"\$\w+", ".+", filled)


def test_promtool_accepts_every_query(tmp_path: Path) -> None:
    """Every query, its variables filled in, is a rule that promtool accepts."""
    expressions = _expressions()
    rules = [{"record": f"query:{index}", "expr": _as_grafana_sends(expr)} for index, expr in enumerate(expressions)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))  # JSON is YAML
    command = [str(find_binary("promtool")), "check", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(expressions)} rules found" in done.stdout
