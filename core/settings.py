"""Every setting, each an environment variable `EARSHOT_…`; the settings page of the docs is made from this file."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
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
        description="Address people use to reach Earshot (for links); requests for another host are then refused, "
        "except from this machine. Empty: the address the server listens on.",
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
    index_memory_mb: int = Field(
        default=512,
        ge=0,
        description="Megabytes of the search index that are read into memory at the start; a larger one is mapped from "
        "its files, and the system keeps in memory what is asked for. About 0.7 kB for each moment of 50 words.",
    )
    oidc_issuer: str = Field(
        default="",
        description="Issuer of the OpenID provider for single sign-on, an https address exactly as its discovery "
        "document says it; EARSHOT_BASE_URL and EARSHOT_OIDC_CLIENT_ID must be set too. Empty: no single sign-on. "
        "Register `/sign-in/single-sign-on/callback` below the base URL as redirect address there.",
    )
    oidc_client_id: str = Field(default="", description="Id of this Earshot at the OpenID provider.")
    oidc_client_secret: str = Field(
        default="",
        repr=False,
        description="Secret of this Earshot there. Empty: a public client, protected by PKCE alone.",
    )
    oidc_groups_claim: str = Field(
        default="groups",
        description="Claim that lists a person's groups. At each sign-in they are in the teams whose id or name is the "
        "name of one of their groups, and in no other; without the claim their teams stay as they are.",
    )
    answer_url: str = Field(
        default="",
        description="Base address of an OpenAI-compatible endpoint (`…/v1`) that phrases answers. With each "
        "question that people are counted for it gets the question and up to 24 quotes, without speakers' names; no "
        "quotes of interviews that may not be shared outside. Empty: nothing is sent anywhere, answers are quotes.",
    )
    answer_model: str = Field(default="", description="Name of the model at EARSHOT_ANSWER_URL; needed with it.")
    answer_key: str = Field(
        default="", repr=False, description="Key for EARSHOT_ANSWER_URL. Empty: none is sent, as local servers want it."
    )
    requests_per_minute: int = Field(
        default=6000,
        ge=0,
        description="Requests that one API key may send in a minute; more are answered with 429 and Retry-After. 0: no "
        "limit. The default, a hundred a second, stops loops that have gone wrong and lets imports pass. Each server "
        "process counts for itself.",
    )
    security_contact: str = Field(
        default="",
        description="Where to report a vulnerability of this installation, a `mailto:` or `https:` address; it is "
        "published at /.well-known/security.txt. Empty: there is no such page.",
    )
    log_level: str = Field(
        default="INFO", description="Least severe level that is logged: DEBUG, INFO, WARNING or ERROR."
    )

    @field_validator("security_contact")
    @classmethod
    def _known_contact(cls, value: str) -> str:
        if value and (not value.startswith(("mailto:", "https:", "tel:")) or not value.isprintable()):
            raise ValueError(f"EARSHOT_SECURITY_CONTACT is {value!r}: it begins with mailto: or https:")
        return value

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

    @model_validator(mode="after")
    def _single_sign_on_is_complete(self) -> Self:
        if self.oidc_issuer:
            issuer = urlsplit(self.oidc_issuer)
            is_here = issuer.hostname in ("localhost", "127.0.0.1", "::1")
            if issuer.scheme != "https" and not (issuer.scheme == "http" and is_here):
                raise ValueError("EARSHOT_OIDC_ISSUER must be an https address (http only on this machine)")
            if not self.oidc_client_id or not self.base_url:
                raise ValueError("EARSHOT_OIDC_ISSUER needs EARSHOT_OIDC_CLIENT_ID and EARSHOT_BASE_URL")
        return self

    @model_validator(mode="after")
    def _answers_have_an_endpoint_and_a_model(self) -> Self:
        if self.answer_url:
            address = urlsplit(self.answer_url)
            if address.scheme not in ("http", "https") or not address.hostname:
                raise ValueError(
                    "EARSHOT_ANSWER_URL must be an http or https address such as http://127.0.0.1:11434/v1"
                )
            if not self.answer_model:
                raise ValueError("EARSHOT_ANSWER_URL needs EARSHOT_ANSWER_MODEL")
        return self

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
