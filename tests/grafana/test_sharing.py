"""The Public dashboard for everybody who has its link, against a stand-in Grafana of 9.4 and of 13."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.grafana.conftest import Run
from tests.grafana.publicly import PUBLIC, UID, Snapshot, provisioned, runner, shared_with_strangers, write
from tests.grafana.standin import Fault, Grafana

YES, NO = {"SHARE_PUBLIC": "yes"}, {"SHARE_PUBLIC": "no"}
PATH = f"/api/dashboards/uid/{UID}/public-dashboards"


def shared(grafana: Grafana, **values: object) -> str:
    """Share the dashboard as somebody would in Grafana; return the token."""
    share = {"uid": f"share-{len(grafana.shares)}", "dashboardUid": UID, "accessToken": f"token{len(grafana.shares)}"}
    settings = {"isEnabled": True, "annotationsEnabled": False, "timeSelectionEnabled": False}
    grafana.shares.append(share | settings | values)
    return share["accessToken"]


def of_sharing(grafana: Grafana) -> list[str]:
    """Return the changes of what is shared."""
    return [call for call in grafana.writes if "public-dashboards" in call]


@pytest.mark.parametrize("argv", [(), ("--dry-run",)])
def test_nothing_is_shared_unless_that_is_asked_for(grafana: Grafana, run: Run, argv: tuple[str, ...]) -> None:
    """Without the setting no dashboard is shared, and a sharing that there is stays as it is."""
    assert run(*argv)[0] == 0
    shared(grafana, isEnabled=False)
    assert run(*argv)[0] == 0
    assert ([share["isEnabled"] for share in grafana.shares], of_sharing(grafana)) == ([False], [])


def test_shared_dashboard_is_made_and_its_link_printed(grafana: Grafana, run: Run) -> None:
    """Provisioning shares it, without a choice of time or marks, and prints where strangers see it."""
    code, out, err = run(**YES)
    assert (code, err) == (0, "")
    [share] = grafana.shares
    assert (share["dashboardUid"], share["isEnabled"]) == (UID, True)
    assert (share["timeSelectionEnabled"], share["annotationsEnabled"]) == (False, False)
    assert f"shared dashboard Public: created\n  {grafana.url}/public-dashboards/{share['accessToken']}\n" in out


def test_strangers_see_it(grafana: Grafana, run_against: Run, dashboards: Path) -> None:
    """Without login the dashboard and the figures of each of its panels are there."""
    (dashboards / "public.json").unlink()
    write(dashboards, PUBLIC)
    provisioned(grafana)
    grafana.dashboards.clear()
    grafana.data_sources.clear()
    assert run_against(grafana, **YES)[0] == 0
    model, *answers = shared_with_strangers(grafana)
    assert model["title"] == "Public"
    assert all(result["frames"] for answer in answers for result in answer.values())


def test_further_runs_share_it_once(grafana: Grafana, run: Run) -> None:
    """A second and a third run say unchanged and the same link, also where a second sharing would be possible."""
    run(**YES)
    first = dict(grafana.shares[0])
    for _ in range(2):
        code, out, _ = run(**YES)
        assert code == 0
        assert f"shared dashboard Public: unchanged\n  {grafana.url}/public-dashboards/{first['accessToken']}\n" in out
    assert (grafana.shares, of_sharing(grafana)) == ([first], [f"POST {PATH}"])


@pytest.mark.parametrize("values", [{"isEnabled": False}, {"annotationsEnabled": True}, {"timeSelectionEnabled": True}])
def test_sharing_of_somebody_is_set_right(grafana: Grafana, run: Run, values: dict[str, bool]) -> None:
    """One that is switched off, or shows more, becomes as wanted and keeps its link."""
    token = shared(grafana, **values)
    code, out, _ = run(**YES)
    assert code == 0
    [share] = grafana.shares
    assert (share["isEnabled"], share["annotationsEnabled"], share["timeSelectionEnabled"]) == (True, False, False)
    assert f"shared dashboard Public: updated\n  {grafana.url}/public-dashboards/{token}\n" in out


def test_link_is_the_one_for_strangers(grafana: Grafana, run: Run) -> None:
    """Where strangers know Grafana by another address the link has that."""
    _, out, _ = run(**YES, GRAFANA_PUBLIC_URL="https://figures.test/")
    assert f"  https://figures.test/public-dashboards/{grafana.shares[0]['accessToken']}\n" in out


def test_dry_run_shares_nothing(grafana: Grafana, run: Run) -> None:
    """On an empty Grafana and on one where all but the sharing is there it says what would be made."""
    for _ in range(2):
        code, out, _ = run("--dry-run", **YES)
        assert (code, of_sharing(grafana)) == (0, [])
        assert "shared dashboard Public: would be created\n    + annotationsEnabled: false" not in out
        assert "shared dashboard Public: would be created\n    + isEnabled: true\n    + share: public\n" in out
        run()


def test_sharing_is_taken_back(grafana: Grafana, run: Run) -> None:
    """With no every sharing of it is gone, also where there are two; the dashboard stays."""
    for _ in range(1 if grafana.new else 2):
        shared(grafana)
    run()
    code, out, _ = run(**NO)
    assert (code, grafana.shares) == (0, [])
    assert out.count("shared dashboard Public: deleted\n") == 1
    assert UID in grafana.dashboards
    assert "shared dashboard" not in run(**NO)[1]


def test_removing_everything_takes_the_sharing_with_it(grafana: Grafana, run: Run) -> None:
    """The link that was given away leads nowhere any more; a dry run says so and deletes nothing."""
    run(**YES)
    assert "shared dashboard Public: would be deleted\n" in run("--remove", "--dry-run")[1]
    assert len(grafana.shares) == 1
    assert "shared dashboard Public: deleted\n" in run("--remove")[1]
    assert grafana.shares == []


def test_sharing_of_somebody_elses_dashboard_stays(grafana: Grafana, run: Run) -> None:
    """A dashboard that only has our uid is not ours, and neither is how it is shared."""
    grafana.add_dashboard({"uid": UID, "title": "Theirs", "tags": [], "panels": []}, "")
    shared(grafana)
    assert run("--remove")[0] == 0
    assert len(grafana.shares) == 1


def test_sharing_that_is_switched_off_is_explained(grafana: Grafana, run: Run) -> None:
    """The rest is provisioned, then the command ends with 6 and says what to switch on."""
    grafana.sharing = False
    code, _, err = run(**YES)
    assert (code, len(grafana.dashboards)) == (6, 9)
    assert "[feature_toggles] enable = publicDashboards" in err
    assert "[public_dashboards] enabled = true" in err


def test_sharing_that_is_switched_off_is_not_in_the_way(grafana: Grafana, run: Run) -> None:
    """What does not need it works without."""
    grafana.sharing = False
    assert [run()[0], run(**NO)[0], run("--remove")[0]] == [0, 0, 0]


def test_missing_permission_is_named(grafana: Grafana, run: Run) -> None:
    """The right to share is one of its own."""
    grafana.missing = {"dashboards.public:write"}
    code, _, err = run(**YES)
    assert code == 4
    assert "the permission dashboards.public:write is missing" in err


def test_somebody_who_shares_it_at_the_same_time(new: Grafana, run_against: Run) -> None:
    """Their sharing is found, and stays the only one."""
    run_against(new)
    new.before_write = partial(shared, new)
    code, out, _ = run_against(new, **YES)
    assert (code, len(new.shares)) == (0, 1)
    assert "/public-dashboards/token0\n" in out


def test_refusal_is_passed_on(grafana: Grafana, run: Run) -> None:
    """What Grafana says about a sharing that it does not make is in the message."""
    run()
    grafana.fault = Fault(400, '{"message": "Public dashboard has template variables"}', path=PATH, method="POST")
    code, _, err = run(**YES)
    assert (code, grafana.shares) == (5, [])
    assert "shared dashboard Public cannot be made: Public dashboard has template variables" in err


def test_figures_that_cannot_be_looked_at_are_not_shared(grafana: Grafana, run_against: Run, dashboards: Path) -> None:
    """While Prometheus is away nobody can see what would be shared, so that it waits for the next run."""
    (dashboards / "public.json").unlink()
    write(dashboards, PUBLIC)
    grafana.prometheus_error = "connection refused"
    code, _, err = run_against(grafana, **YES)
    assert (code, grafana.shares) == (3, [])
    assert "no answer from Prometheus" in err


@pytest.fixture
def snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Snapshot:
    """The snapshot command."""
    return runner(write(tmp_path / "for-snapshots", PUBLIC), capsys)


def test_snapshot_says_where_the_live_figures_are(grafana: Grafana, snapshot: Snapshot) -> None:
    """If the dashboard is shared its link is printed beside that of the snapshot; one that is switched off is not."""
    provisioned(grafana)
    assert "public-dashboards" not in snapshot(grafana)[1]
    token = shared(grafana)
    assert f"the same live, without end: {grafana.url}/public-dashboards/{token}\n" in snapshot(grafana)[1]
    grafana.shares[0]["isEnabled"] = False
    assert "public-dashboards" not in snapshot(grafana)[1]


def test_snapshot_can_share_as_well(grafana: Grafana, snapshot: Snapshot) -> None:
    """Asked for both, one command publishes the figures of now and the live ones."""
    provisioned(grafana)
    code, out, _ = snapshot(grafana, **YES)
    assert code == 0
    assert (
        f"shared dashboard Public: created\n  {grafana.url}/public-dashboards/{grafana.shares[0]['accessToken']}\n"
        in out
    )
    assert "shared dashboard Public: deleted\n" in snapshot(grafana, **NO)[1]


def test_snapshot_shares_no_dashboard_that_was_edited(grafana: Grafana, snapshot: Snapshot) -> None:
    """What stands in Grafana must be what was looked at; otherwise the command says to provision it."""
    provisioned(grafana)
    grafana.dashboards[UID]["dashboard"]["panels"][0]["title"] = "Edited"
    code, _, err = snapshot(grafana, **YES)
    assert (code, grafana.shares) == (6, [])
    assert "is not that of this version" in err
