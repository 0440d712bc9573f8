"""The files in deploy/: they parse, their command lines and metrics exist, and their parts refer to each other."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from mezon import MezonClient
from mezon._client.operations import address_of
from mezon._cluster.metrics import RELAY_METRICS, WORKER_METRICS
from mezon.cli.app import app
from mezon.testing import LocalGateway, running_bot
from nats_servers import SERVER, needs_nats
from patience import patient

yaml = pytest.importorskip("yaml", reason="there is no pyyaml: pip install pyyaml")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MACHINES = DEPLOY / "many-machines"
COMPOSE = sorted(DEPLOY.rglob("compose.yaml"))
UNITS = sorted((DEPLOY / "systemd").iterdir())
YAML = sorted(path for path in DEPLOY.rglob("*") if path.suffix in (".yaml", ".yml"))
BOT_ID = "1830000000000000001"


def load(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def kubernetes(kind: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind, by name."""
    found = [one for path in (DEPLOY / "kubernetes").iterdir() for one in load(path)]
    return {one["metadata"]["name"]: one for one in found if one.get("kind") == kind}


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The pods of the deployments, with their containers."""
    for deployment in kubernetes("Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        for container in pod["containers"]:
            yield pod, container


def command_lines() -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Where a command line is, the command line, and its environment."""
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("CMD "):
            yield "Dockerfile", json.loads(line.removeprefix("CMD ")), {}
    for path in COMPOSE:
        for name, service in load(path)[0]["services"].items():
            if "build" in service and "command" in service:
                yield f"{path.parent.name}: {name}", service["command"], service["environment"]
    for _, container in containers():
        (configured,) = [load(DEPLOY / "kubernetes" / "bot.yaml")[0]["data"]]
        yield f"kubernetes: {container['name']}", container["args"], configured
    for unit in UNITS:
        (line,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
        program, *arguments = shlex.split(line.removeprefix("ExecStart="))
        yield unit.name, [Path(program).name, *arguments], {}


LINES = list(command_lines())


def parsed(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Parse a command line of `mezon` as the command does; gives the command and its parameters."""
    assert words[0] == "mezon"
    group: Any = typer.main.get_command(app)
    command = group.commands[words[1]]
    return words[1], command.make_context(words[1], list(words[2:])).params


def seconds(text: str) -> float:
    return float(str(text).removesuffix("s"))


def test_there_are_command_lines_of_every_kind() -> None:
    assert {words[1] for _, words, _ in LINES} == {"run", "relay", "worker"}
    assert len(LINES) >= 8


@pytest.mark.parametrize("path", YAML, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_yaml_parses(path: Path) -> None:
    assert all(isinstance(document, dict) for document in load(path))


@pytest.mark.parametrize(("where", "words", "environment"), LINES, ids=[where for where, *_ in LINES])
def test_a_command_line_is_accepted(
    where: str, words: list[str], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MEZON_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command, parameters = parsed(words)
    if parameters.get("health"):
        assert address_of(parameters["health"]) == ("0.0.0.0", 8080)
    if command != "relay":
        assert parameters["bot"] == "bot.py"
    if command != "run":
        assert "4222" in parameters["nats"]


def test_an_unknown_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option: --no-such-option"):
        parsed(["mezon", "relay", "--nats", "nats://x:4222", "--no-such-option"])


def test_what_the_image_needs_is_there() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert copied == ["requirements.txt", "*.whl", "bot.py"]
    assert all((DEPLOY / name).is_file() for name in copied if "*" not in name)
    (requirement,) = (DEPLOY / "requirements.txt").read_text().split()
    match = re.fullmatch(r"mezon-rs\[(.*)\]", requirement)
    assert match is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(match[1].split(",")) <= project["optional-dependencies"].keys()


async def test_the_bot_answers(gateway: LocalGateway, tmp_path: Path) -> None:
    async with running_bot(str(DEPLOY / "bot.py"), gateway):
        assert (await gateway.command("alice", "!ping")).text == "pong"


# ---- compose


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.parent.name)
def test_compose_refers_to_files_volumes_and_services_that_exist(path: Path) -> None:
    (document,) = load(path)
    services, volumes = document["services"], document["volumes"] or {}
    for service in services.values():
        assert ("image" in service) != ("build" in service)
        if "build" in service:
            assert (path.parent / service["build"] / "Dockerfile").is_file()
        else:
            assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", service["image"]), "a version, not latest"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (path.parent / source).exists() if source.startswith(".") else source in volumes
        assert set(service.get("depends_on", ())) <= services.keys()
        if "--drain" in service.get("command", ()):
            _, parameters = parsed([*service["command"], "--nats", "nats://x:4222"])
            assert seconds(service["stop_grace_period"]) > parameters["drain"] + 10


def test_many_machines_has_three_brokers_two_relays_and_three_workers() -> None:
    (document,) = load(MACHINES / "compose.yaml")
    services = document["services"]
    assert [name for name in services if name.startswith("nats-")] == ["nats-1", "nats-2", "nats-3"]
    assert [services[name]["deploy"]["replicas"] for name in ("relay", "worker")] == [2, 3]
    for name in ("relay", "worker"):
        hosts = re.findall(r"@([\w-]+):4222", services[name]["environment"]["MEZON_NATS_URL"])
        assert hosts == ["nats-1", "nats-2", "nats-3"]
    assert services["worker"]["environment"]["MEZON_API_KEY"] == "unused"
    # Every variable is in the example, and the example has no other.
    used = set(re.findall(r"\$\{(\w+)", (MACHINES / "compose.yaml").read_text()))
    example = re.findall(r"^(\w+)=", (MACHINES / "env.example").read_text(), re.MULTILINE)
    assert sorted(used) == sorted(example)


@needs_nats
def test_nats_accepts_its_configuration() -> None:
    (document,) = load(MACHINES / "compose.yaml")
    names = document["services"]["nats-1"]["environment"]
    values = {name: str(value) for name, value in names.items()}
    values = {name: re.sub(r"\$\{\w+(:\?)?\}", "secret", value) for name, value in values.items()}
    assert SERVER is not None
    command = [SERVER, "-t", "-c", str(MACHINES / "nats.conf")]
    done = subprocess.run(command, env=values, capture_output=True, text=True, timeout=patient(30))
    assert done.returncode == 0, done.stderr
    # Without one of the variables the configuration is refused: all of them are used.
    for name in values:
        rest = {other: value for other, value in values.items() if other != name}
        assert subprocess.run(command, env=rest, capture_output=True, timeout=patient(30)).returncode != 0, (
            name
        )


def test_prometheus_scrapes_relay_and_workers() -> None:
    (document,) = load(MACHINES / "prometheus.yml")
    (job,) = document["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    (compose,) = load(MACHINES / "compose.yaml")
    assert set(found["names"]) == {"relay", "worker"} <= compose["services"].keys()
    assert found["port"] == 8080


# ---- Kubernetes


def test_the_objects_of_kubernetes_refer_to_each_other() -> None:
    deployments = kubernetes("Deployment")
    assert {name: one["spec"]["replicas"] for name, one in deployments.items()} == {
        "mezon-relay": 2,
        "mezon-worker": 3,
    }
    for deployment in deployments.values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
    selected = [
        one["spec"]["selector"]["matchLabels"]["app"] for one in kubernetes("PodDisruptionBudget").values()
    ]
    assert sorted(selected) == sorted(deployments)
    (scaled,) = kubernetes("ScaledObject").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in deployments
    (configured,) = kubernetes("ConfigMap").values()
    assert configured["data"]["MEZON_BOT_ID"] == BOT_ID
    (trigger,) = scaled["spec"]["triggers"]
    assert f'bot="{BOT_ID}"' in trigger["metadata"]["query"]


def test_containers_mount_what_exists_and_have_time_to_drain() -> None:
    for pod, container in containers():
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert container["securityContext"]["runAsUser"] == 10001
        assert "--uid 10001" in (DEPLOY / "Dockerfile").read_text()
        for source in container["envFrom"]:
            assert source["configMapRef"]["name"] in kubernetes("ConfigMap")
        command, parameters = parsed([*container["args"], "--nats", "nats://x:4222"])
        if command == "worker":
            assert pod["terminationGracePeriodSeconds"] > parameters["drain"] + 10
        else:
            (values,) = load(DEPLOY / "kubernetes" / "nats-values.yaml")
            assert parameters["replicas"] == values["config"]["cluster"]["replicas"]


# ---- systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_time_to_drain_and_writes_only_where_it_may(unit: Path) -> None:
    settings = dict(
        line.split("=", 1)
        for line in unit.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    command, parameters = parsed(["mezon", *shlex.split(settings["ExecStart"])[1:]])
    assert settings["ExecStart"].startswith(f"{settings['WorkingDirectory']}/.venv/bin/mezon ")
    assert ("WatchdogSec" in settings) == (settings["Type"] == "notify")
    if command == "worker":
        assert float(settings["TimeoutStopSec"]) > parameters["drain"] + 10
    if command == "relay":
        assert Path(parameters["cache"]).parent == Path(settings["ReadWritePaths"])


# ---- metrics


def metric_names() -> set[str]:
    """The names of all metrics: of relay and workers, and of a bot."""
    prometheus = pytest.importorskip("prometheus_client")
    from mezon.ext.metrics import PrometheusMetrics

    names = {
        f"mezon_{part}_{name}{'_total' if kind == 'counter' else ''}"
        for part, metrics in (("relay", RELAY_METRICS), ("worker", WORKER_METRICS))
        for name, (kind, _) in metrics.items()
    }
    registry = prometheus.CollectorRegistry()
    PrometheusMetrics(MezonClient(1, "key", message_db=False), registry)
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    for family in registry.collect():
        names |= {family.name + suffix for suffix in suffixes[family.type]}
    return names


def queries() -> Iterator[tuple[str, str]]:
    """Each query of the dashboard and of KEDA, with its title."""
    board = json.loads((DEPLOY / "grafana" / "mezon.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["label"], variable["query"]["query"]
    (scaled,) = kubernetes("ScaledObject").values()
    for trigger in scaled["spec"]["triggers"]:
        yield "KEDA", trigger["metadata"]["query"]


def test_every_metric_of_the_dashboard_and_of_the_scaling_exists() -> None:
    known = metric_names()
    used = {(title, name) for title, query in queries() for name in re.findall(r"\bmezon_\w+", query)}
    assert {(title, name) for title, name in used if name not in known} == set()
    # The dashboard shows bots, relays and workers.
    names = {name for _, name in used}
    assert len(names) > 25
    assert {"mezon_seconds_bucket", "mezon_relay_lag_seconds", "mezon_worker_events_handled_total"} <= names


def test_every_label_of_the_dashboard_exists() -> None:
    labels = {"bot", "kind", "name", "event", "error", "worker", "le"}
    for title, query in queries():
        grouped = [one.strip() for found in re.findall(r"by \(([^)]*)\)", query) for one in found.split(",")]
        assert set(grouped) <= labels, title
        assert set(re.findall(r"[{,](\w+)[=!]~?", query.replace("{__name__", "{"))) <= labels, title


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    board = json.loads((DEPLOY / "grafana" / "mezon.json").read_text())
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        mine = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not mine & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        cells |= mine
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


# ---- the pages


@pytest.mark.parametrize("page", ["docs/deployment.md", "docs/vi/deployment.md"])
def test_the_pages_give_a_bot_the_time_of_the_files(page: str) -> None:
    given = {
        float(value)
        for value in re.findall(
            r'(?:TimeoutStopSec=|stop_grace_period: |kill_timeout = "|"drainingSeconds": )(\d+)',
            (ROOT / page).read_text(encoding="utf-8"),
        )
    }
    unit = (DEPLOY / "systemd" / "mezon-bot.service").read_text()
    (document,) = load(DEPLOY / "compose.yaml")
    files = {float(*re.findall(r"TimeoutStopSec=(\d+)", unit))}
    files.update(seconds(service["stop_grace_period"]) for service in document["services"].values())
    assert given == files
