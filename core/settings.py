"""Every setting, each an environment variable `EARSHOT_…`; the settings page of the docs is made from this file."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things are kept and which models are used. Defaults serve one laptop with nothing installed."""

    model_config = SettingsConfigDict(env_prefix="EARSHOT_", env_file=None, extra="ignore")

    data_dir: Path = Field(
        default=Path("./data"),
        description="Folder that holds everything that must be backed up: database, recordings, models, indexes.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy address of the system of record. Empty: SQLite in the data folder.",
    )
    base_url: str = Field(
        default="",
        description="Address people use to reach Earshot (for links). Empty: the address the server listens on.",
    )
    timezone: str = Field(
        default="UTC",
        description="IANA name of the workspace's time zone: used for dates wherever a contact has none.",
    )
    whisper_model: str = Field(
        default="small",
        description="Name of a Whisper model (downloaded at the first transcription) or a folder with its CTranslate2 "
        "files. `small` is the largest that keeps up with speech on two CPU cores.",
    )
    whisper_device: str = Field(
        default="auto",
        description="`auto` takes a CUDA GPU (float16) if there is one and the CPU (int8) otherwise; `cpu`; `cuda`.",
    )
    vocabulary: str = Field(
        default="",
        description="Names and product words, separated by commas, that transcription should expect. Empty: none.",
    )
    embedding_model: str = Field(
        default="all-MiniLM-L6-v2",
        description="Name or folder of a sentence-transformers model. The default comes with the installation; other "
        "names are fetched from the model hub. A change re-embeds everything in the background.",
    )
    max_upload_bytes: int = Field(
        default=4 * 1024**3,
        ge=1,
        description="Largest recording accepted, in bytes. The default, 4 GiB, holds 4 hours of 1080p video calls.",
    )
    workers: int = Field(
        default=1,
        ge=0,
        description="Interviews processed at once inside the server. 0: none, `earshot worker` processes do it.",
    )
    log_level: str = Field(
        default="INFO", description="Least severe level that is logged: DEBUG, INFO, WARNING or ERROR."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"EARSHOT_TIMEZONE is {value!r}, which is no IANA time zone name such as Europe/Prague"
            ) from error
        return value

    @property
    def db_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'earshot.db'}"

    @property
    def jobs_url(self) -> str:
        if self.db_url.startswith("sqlite"):
            return f"sqlite:///{self.data_dir / 'jobs.db'}"
        return self.db_url

    @property
    def recordings_dir(self) -> Path:
        return self.data_dir / "recordings"

    @property
    def index_dir(self) -> Path:
        return self.data_dir / "index"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def uploads_dir(self) -> Path:
        return self.data_dir / "uploads"
