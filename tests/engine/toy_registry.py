"""A model of the registry with a few thousand bytes, as a repository has them and as local files."""

import io
import json
import zipfile
from multiprocessing.connection import Connection
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save

from engine.client import WorkerClient
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig, TargetModule
from engine.hypernetwork import fetch_worker
from engine.messages import Shutdown, WorkerFailed
from engine.models import inventory, prepare_worker, registry
from engine.models.messages import (
    FetchEvent,
    FetchModel,
    ModelsFound,
    PreparationEvent,
    PrepareModels,
    SurveyModels,
)
from engine.models.registry import ENCODER_FILES, Architecture, HubPart, ModelEntry, Role, Wanted
from tests.engine.fake_hub import FakeHub, FakeRepo, sha256

NAME = "toy"
BASE, GGUFS, NETWORKS = "maker/toy-base-it", "quantiser/toy-GGUF", "lab/doc-to-lora"
CHECKPOINT = "toy_d2l/checkpoint-20000/pytorch_model.bin"
CHAT_FILE = "toy-Q4_K_M.gguf"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
N_LAYERS, D_MODEL, D_KV, D_FFN, N_VOCAB = 2, 64, 32, 8, 32
TOKEN = "hf_letmein"


def encoder_files(n_layers: int = N_LAYERS) -> dict[str, bytes]:
    """A base model in two shards, as transformers saves it."""
    shards = [{f"layer{i}.weight": np.full((D_MODEL, 2 * D_MODEL), i, np.float16)} for i in range(2)]
    weight_map = {name: file for shard, file in zip(shards, SHARDS, strict=True) for name in shard}
    settings = {"model_type": "gemma2", "num_hidden_layers": n_layers, "hidden_size": D_MODEL}
    texts = {
        "config.json": settings,
        "tokenizer.json": {"version": "1.0"},
        "tokenizer_config.json": {"bos": 2},
        "model.safetensors.index.json": {"weight_map": weight_map},
    }
    files = {name: json.dumps(content).encode() for name, content in texts.items()}
    return files | {file: save(shard) for file, shard in zip(SHARDS, shards, strict=True)}


def gguf_tensors(n_layers: int = N_LAYERS) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what a model of the toy's architecture has."""
    layer = {
        "attn_norm": (D_MODEL,),
        "ffn_norm": (D_MODEL,),
        "attn_q": (D_MODEL, D_MODEL),
        "attn_k": (D_KV, D_MODEL),
        "attn_v": (D_KV, D_MODEL),
        "attn_output": (D_MODEL, D_MODEL),
        "ffn_gate": (D_FFN, D_MODEL),
        "ffn_up": (D_FFN, D_MODEL),
        "ffn_down": (D_MODEL, D_FFN),
    }
    of_layers = {f"blk.{i}.{name}.weight": shape for i in range(n_layers) for name, shape in layer.items()}
    return {"token_embd.weight": (N_VOCAB, D_MODEL), "output_norm.weight": (D_MODEL,), **of_layers}


def gguf_bytes(
    folder: Path,
    n_layers: int = N_LAYERS,
    *,
    architecture: str = "gemma2",
    n_vocab: int = N_VOCAB,
    tensors: dict[str, tuple[int, ...]] | None = None,
    **more: int,
) -> bytes:
    """A GGUF of the toy's architecture.

    Args:
        folder: where it may be written.
        n_layers, architecture, n_vocab: what its header says.
        tensors: what it holds; by default all that it should.
        more: further numbers of its header, with "_" for ".".
    """
    path = folder / "written.gguf"
    writer = gguf.GGUFWriter(path, arch=architecture)
    writer.add_block_count(n_layers)
    writer.add_embedding_length(D_MODEL)
    writer.add_feed_forward_length(D_FFN)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_token_list([f"<{i}>" for i in range(n_vocab)])
    for key, value in more.items():
        writer.add_uint16(key.replace("_", "."), value)
    for name, shape in (gguf_tensors(n_layers) if tensors is None else tensors).items():
        writer.add_tensor(name, np.ones(shape, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    content = path.read_bytes()
    path.unlink()
    return content


def checkpoint_bytes(base_model: str = BASE) -> bytes:
    """A zip as torch.save writes it, as far as it is looked at without unpickling."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        # A ZipInfo of its own has a fixed time, so that the bytes are the same each time.
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), f"hypernet_config base_model {base_model}")
        archive.writestr(zipfile.ZipInfo("archive/data/0"), bytes(range(256)) * 16)
    return written.getvalue()


def hypernetwork_config(n_layers: int = N_LAYERS, d_encoder: int = D_MODEL) -> HypernetworkConfig:
    """Of a hypernetwork in Loreleaf's form."""
    return HypernetworkConfig(
        n_layers=n_layers,
        d_encoder=d_encoder,
        d_latent=8,
        lora_rank=4,
        target_modules=(TargetModule("down_proj", 8, d_encoder),),
        lora_alpha=1.0,
    )


def our_form() -> dict[str, bytes]:
    """The files of a hypernetwork in Loreleaf's form."""
    return {CONFIG_FILE: hypernetwork_config().to_json().encode(), TENSORS_FILE: save({})}


def convert_toy(checkpoint: Path, folder: Path) -> None:
    """Takes the place of ``convert_checkpoint``: the toy's checkpoint has no tensors."""
    assert checkpoint.exists()
    write_files(folder, our_form())


def toy_entry(pins: dict[str, str] | None = None, revision: str = "") -> ModelEntry:
    """The toy, with the registry's kinds of parts."""
    return ModelEntry(
        name=NAME,
        title="Toy 2B Instruct",
        maker="toymakers",
        base_model=BASE,
        licence="Toy licence",
        architecture=Architecture("gemma2", "gemma2", N_LAYERS, D_MODEL, N_VOCAB, D_KV, 10_000, 2_000, 1_000),
        chat_size_bytes=5_000,
        parts=(
            HubPart(Role.ENCODER, BASE, ENCODER_FILES, revision, 34_000, "Toy licence", is_gated=True),
            HubPart(Role.HYPERNETWORK, NETWORKS, Wanted((CHECKPOINT,)), "", 4_000, "?", is_size_derived=True),
            HubPart(Role.CHAT, GGUFS, Wanted((CHAT_FILE,)), "", 5_000, "Toy licence", pins=pins or {}),
        ),
    )


def publish(hub: FakeHub, folder: Path) -> None:
    """Put the toy's files on the hub, with others beside them that nobody wants."""
    beside = {"README.md": b"# Toy", "pytorch_model.bin": b"old weights", "original/model.safetensors": b"x"}
    hub.repos[BASE] = FakeRepo(encoder_files() | beside, commit="a" * 40)
    hub.repos[GGUFS] = FakeRepo({CHAT_FILE: gguf_bytes(folder), "toy-Q8_0.gguf": b"too large"})
    hub.repos[NETWORKS] = FakeRepo({CHECKPOINT: checkpoint_bytes(), "other_d2l/args.yaml": b"x: 1"})


def pins_of(hub: FakeHub) -> dict[str, str]:
    """What the registry would pin."""
    return {CHAT_FILE: sha256(hub.repos[GGUFS].files[CHAT_FILE])}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Files as a user has them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


# --- processes that know the toy ----------------------------------------------------------------------------


def put_toy_into_registry() -> None:
    """From now on this process knows the built-in model and the toy."""
    registry.REGISTRY = (registry.REGISTRY[0], toy_entry())


def fetch_main(conn: Connection, wanted: FetchModel) -> None:
    put_toy_into_registry()
    fetch_worker.main(conn, wanted, convert_toy)


def fetch_client(wanted: FetchModel) -> WorkerClient[Shutdown, FetchEvent | WorkerFailed]:
    """Takes the place of ``engine.worker_clients.fetch_client``."""
    return WorkerClient("tests.engine.toy_registry:fetch_main", wanted, "fetch")


def survey_client(wanted: SurveyModels) -> WorkerClient[Shutdown, ModelsFound]:
    """Takes the place of ``engine.worker_clients.survey_client``."""
    return WorkerClient("tests.engine.toy_registry:survey_main", wanted, "survey")


def preparation_client(wanted: PrepareModels) -> WorkerClient[object, PreparationEvent]:
    """Takes the place of ``engine.worker_clients.preparation_client``."""
    return WorkerClient("tests.engine.toy_registry:preparation_main", wanted, "models")


def preparation_main(conn: Connection, wanted: PrepareModels) -> None:
    put_toy_into_registry()
    prepare_worker.main(conn, wanted)


def survey_main(conn: Connection, wanted: SurveyModels) -> None:
    put_toy_into_registry()
    inventory.main(conn, wanted)
