"""Loreleaf promises to open no network connection: a library watches a whole run, compiled code too."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "app" / "samples" / "Dentist.md"

# Put before the C library by the dynamic linker, in every process that the run starts. Whatever wants the
# network, be it Python, torch or llama.cpp, has to come through these three.
WATCHER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void note(const char *call, int family) {
    FILE *log = fopen(getenv("SOCKET_LOG"), "a");
    fprintf(log, "%s, family %d\n", call, family);
    fclose(log);
}

int socket(int family, int type, int protocol) {
    if (family != AF_UNIX) note("socket", family);
    int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
    return real(family, type, protocol);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    if (address->sa_family != AF_UNIX) note("connect", address->sa_family);
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    return real(descriptor, address, size);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    note(node ? node : "getaddrinfo", hints ? hints->ai_family : 0);
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **)
        = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, found);
}
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that is watched; what it does is in the file SOCKET_LOG names."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler for the watching library")
    source, library, log = tmp_path / "watcher.c", tmp_path / "watcher.so", tmp_path / "sockets.log"
    source.write_text(WATCHER, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    log.touch()
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("DISPLAY")}
    return quiet | {"LD_PRELOAD": str(library), "SOCKET_LOG": str(log)}


def loreleaf(environment: dict[str, str], home: Path, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", "app", "--home", str(home), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_watcher_sees_a_socket(watched: dict[str, str]) -> None:
    script = "import socket; socket.socket(socket.AF_INET).connect_ex(('127.0.0.1', 9))"
    subprocess.run([sys.executable, "-c", script], env=watched, check=True)
    assert Path(watched["SOCKET_LOG"]).read_text(encoding="utf-8").splitlines() == [
        "socket, family 2",
        "connect, family 2",
    ]


@pytest.mark.model
def test_learning_a_note_and_answering_from_it_opens_no_socket(
    watched: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    listed = json.loads(loreleaf(watched, home, "models", "list", "--json"))
    assert [model["state"] for model in listed["models"]] == ["packed", "missing", "missing", "missing"]
    loreleaf(watched, home, "add", str(SAMPLE))
    printed = loreleaf(watched, home, "ask", "When is my next dentist appointment?", "--json")
    answer = json.loads(printed)
    assert [source["document"] for source in answer["sources"]] == ["Dentist"]
    assert Path(watched["SOCKET_LOG"]).read_text(encoding="utf-8") == ""
