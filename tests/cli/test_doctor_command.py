"""What `rrm doctor` says of a machine."""

from importlib.metadata import PackageNotFoundError

from rrm_tree.cli import doctor_command
from rrm_tree.files import LocalFiles
from rrm_tree.store import Store


def test_extras_are_told_by_what_of_their_packages_is_installed(monkeypatch):
    requirements = [
        "numpy>=2",
        'av>=13; extra == "clips"',
        'gymnasium[classic-control]<2,>=1.1; extra == "clips"',
        "celery<6,>=5.7; python_version > '3' and extra == 'fleet'",
        'pytest>=8.2; extra == "dev"',
    ]

    def version(package):
        if package == "av":
            raise PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(doctor_command, "requires", lambda name: requirements)
    monkeypatch.setattr(doctor_command, "version", version)
    check = doctor_command._check_extras()
    assert (check.level, check.found) == ("ok", "fleet; not installed: clips")
    requirements.remove('av>=13; extra == "clips"')
    assert doctor_command._check_extras().found == "clips, fleet"


def test_machines_that_ask_of_one_store_at_once_do_not_delete_each_others_files(tmp_path):
    class Overtaken(LocalFiles):
        def read(self, name):
            if not asked:
                asked.append(name)
                levels.extend(check.level for check in doctor_command._check_store(other))
            return super().read(name)

    asked, levels = [], []
    one, other = Store(str(tmp_path)), Store(str(tmp_path))
    one.files = Overtaken(tmp_path)
    levels += [check.level for check in doctor_command._check_store(one)]
    assert levels == ["ok", "ok"]
    assert not list(tmp_path.iterdir())
