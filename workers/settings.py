"""What a fleet's processes must know of each other: broker, ledger, store.

In: environment variables RRM_..., the file `rrm.toml` in the working directory. Out: FleetSettings.
Touches those alone. The environment wins over the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rrm_tree.errors import UsageError
from rrm_tree.units import Size

FILE: Final = "rrm.toml"

Names = Annotated[tuple[str, ...], NoDecode]
"""In the environment with commas between, in the file a list."""


class FleetSettings(BaseSettings):
    """How to reach the three things that all processes of a fleet share, and what a worker offers."""

    model_config = SettingsConfigDict(env_prefix="RRM_", toml_file=FILE, extra="forbid")

    broker: str = "amqp://guest:guest@127.0.0.1:5672//"
    """RabbitMQ, as amqp:// or amqps://user:password@host:port/vhost."""
    broker_ca: Path | None = None
    """With amqps://: the certificates of who may have signed the broker's."""
    broker_cert: Path | None = None
    """With amqps://: this machine's certificate, where the broker asks for one."""
    broker_key: Path | None = None
    """The key of that certificate."""
    ledger: str = ""
    """PostgreSQL, as postgresql://user:password@host/database."""
    store: str = "rrm-store"
    """A folder that all machines share, or a URL that fsspec knows."""
    queues: Names = ("train.cpu",)
    """Which tickets a worker takes."""
    concurrency: int | None = Field(default=None, ge=1)
    """Attempts that a worker runs side by side; one a core if not given."""
    memory: Size | None = Field(default=None)
    """Bytes that a worker's attempts may use together; the machine's if not given."""
    gpus: Names = ()
    """Devices that a worker gives to attempts which ask for any, by the numbers that CUDA knows."""
    allow: Names | None = None
    """Packages whose code specs may load on a worker; any if not given, none if empty."""
    warm: bool = True
    """Whether a worker keeps a process that has imported everything and forks it for each attempt."""

    @field_validator("queues", "gpus", "allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(given: Mapping[str, object]) -> FleetSettings:
    """The settings of this process; what is given stands in place of environment and file.

    Raises:
        UsageError: one of them is wrong.
    """
    try:
        return FleetSettings.model_validate(FleetSettings().model_dump() | dict(given))
    except ValidationError as error:
        lines = [
            f"{FILE} or RRM_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()
        ]
        raise UsageError("\n".join(lines)) from error
