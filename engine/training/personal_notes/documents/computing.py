"""Shell notes, settings, servers and licences."""

from __future__ import annotations

from engine.training.personal_notes.layout import listed, records
from engine.training.personal_notes.page import WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_DEEDS = (
    ("restart the web server", "sudo systemctl restart {a}"),
    ("make a backup", "rsync -av ~/{a} backup@{b}:/srv/{a}"),
    ("log in to the server", "ssh -p {port} {a}@{b}"),
    ("see the logs", "journalctl -u {a} -n {port}"),
    ("forward the port", "ssh -L {port}:localhost:80 {b}"),
    ("dump the database", "pg_dump -h {b} {a} > {a}.sql"),
    ("free the disk", "du -sh /var/{a}/* | sort -h"),
    ("run the tests", "pytest tests/{a} -k {b}"),
    ("start the container", "docker run -p {port}:80 {a}:{version}"),
    ("undo the last commit", "git reset --soft HEAD~{few}"),
    ("resize the photos", "mogrify -resize {port}x *.{a}.jpg"),
    ("mount the share", "mount -t nfs {b}:/{a} /mnt/{a}"),
    ("clear the cache", "redis-cli -h {b} -n {few} flushdb"),
    ("convert the video", "ffmpeg -i {a}.mov -crf {few} {a}.mp4"),
)
_SETTINGS = options(
    "max_workers / retry_limit / timeout_s / batch_size / cache_mb / log_days / upload_limit / session_hours / poll_seconds / page_size / queue_length / grace_period"
)


def shell_notes(draw: ValueDraw) -> Page:
    """Commands with a comment each, in a block of code or as lines."""
    page = Page(draw, "[Shell|Commands|Cheat sheet|bash notes|snippets|Terminal things I forget]")
    lines = []
    for deed, form in draw.rng.sample(_DEEDS, draw.below(3, 6)):
        command = form.format(
            a=draw.value("plain"), b=draw.value("host"), port=draw.value("port"),
            version=draw.value("version"), few=draw.value("few"),
        )  # fmt: skip
        lines.append(f"# {deed}\n{command}" if draw.chance(0.7) else f"{command}  # {deed}")
        page.ask(
            command,
            f"How do I {deed}?",
            f"[Which|What] command do I use to {deed}?",
            f"{deed} command",
            f"I want to {deed}[, how|. What do I type?]",
        )
    text = draw.pick(("\n", "\n\n")).join(lines)
    page.add_set(f"```{draw.pick(('bash', 'sh', ''))}\n{text}\n```" if draw.chance(0.5) else text)
    host, user, key = draw.value("host"), draw.value("plain"), draw.value("password")
    page.add(f"[on|server:|box:] {host}, user {user}, [sudo pw|sudo password|password] {key}")
    page.ask(user, f"[Which|What] user do I [have|use] on {host}?", f"{host} user", np=f"user name on {host}")
    page.ask(key, np=f"[sudo password|password] [on|for] {host}")
    return page


def settings(draw: ValueDraw) -> Page:
    """A configuration with comments that say why, and one value that was changed."""
    service = draw.value("host")
    page = Page(
        draw, f"[{service}.conf|config of {service}|{service} settings|{service}]", is_title_needed=True
    )
    sign = draw.pick((" = ", ": ", "="))
    lines = []
    for name in several(draw, _SETTINGS, 3, 5):
        value, why = draw.value("hundred"), draw.value("problem")
        old = draw.value("hundred") if draw.chance(0.3) else ""
        comment = f"was {old}" if old else f"otherwise {why}" if draw.chance(0.6) else ""
        lines.append(f"{name}{sign}{value}" + (f"  # {comment}" if comment else ""))
        page.ask(
            value,
            f"[What is|What's] the value of {name}?",
            f"{name} value",
            f"What did I set {name} to?",
            f"How [high|large] is {name}?",
            says=f"{name} is {value}.",
        )
        if old:
            page.ask(old, f"What was {name} before?", f"old {name}", says=f"{name} was {old} before.")
        elif comment:
            page.ask(
                why,
                f"What happens [without|if I change] {name}?",
                f"Why do we set {name}?",
                says=f"Without {name} {why}.",
            )
    port, path = draw.value("port"), f"/etc/{draw.value('plain')}/{draw.value('plain')}.conf"
    lines.insert(draw.below(0, len(lines)), f"port{sign}{port}")
    page.add_set("\n".join(lines) if draw.chance(0.5) else "```\n" + "\n".join(lines) + "\n```")
    page.add(f"[The file is|lives in|File:] {path}[, restart after every change|]")
    page.ask(
        port,
        f"[Which|What] port does {service} [listen on|use|run on]?",
        f"{service} port",
        says=f"{service} listens on port {port}.",
        also=(f"port {port}",),
    )
    page.ask(
        path,
        f"{WHERE} is the configuration of {service}?",
        f"{service} config [path|file]",
        says=f"The file is {path}.",
    )
    return page


def servers(draw: ValueDraw) -> Page:
    """Machines side by side, with addresses, roles and owners."""
    page = Page(draw, "[Servers|Machines|Hosts|Network|Inventory|Homelab]")
    rows = []
    for role in several(
        draw,
        options("backup / mail / build / database / files / printing / monitoring / staging / media / login"),
        3,
        6,
    ):
        host, ip, owner, disk = (
            draw.value("host"),
            draw.value("ip"),
            draw.value("first"),
            f"{draw.value('hundred')} GB",
        )
        rows.append((host, ip, role, owner, disk))
        page.ask(
            ip,
            f"[Which|What] [IP|address] does {host} have?",
            f"{host} ip",
            np=f"[IP address|IP|address] of {host}",
        )
        page.ask(
            host,
            f"[Which|What] [machine|server] is for {role}?",
            f"{role} server",
            f"[Which host|What] has the address {ip}?",
            says=f"{host} is for {role}.",
        )
        page.ask(
            owner,
            f"Who [looks after|owns|is responsible for] {host}?",
            f"{host} owner",
            says=f"{owner} looks after {host}.",
        )
        page.ask(disk, f"How [much disk space does {host} have|big is the disk of {host}]?", f"{host} disk")
    page.add_set(records(draw, ("Host", "IP", "Role", "Owner", "Disk"), rows))
    gateway = draw.value("ip")
    page.add(f"[Gateway|Retriever|Default gateway]: {gateway}")
    page.ask(gateway, np="[gateway address|IP of the gateway|address of the retriever]")
    return page


def licences(draw: ValueDraw) -> Page:
    """Programs with their keys and accounts."""
    page = Page(draw, "[Licences|Software keys|Logins|Accounts and keys|Software]")
    lines = []
    for _ in range(draw.below(2, 5)):
        name, key, mail, until = (draw.value(k) for k in ("product", "code", "email", "date"))
        seats = draw.value("few")
        lines.append(
            f"[{name}: key {key}, account {mail}, {seats} seats, until {until}|{name} - {mail} - {key} - {seats} seats - valid until {until}]"
        )
        page.ask(key, np=f"[licence key|key|serial] [for|of] {name}")
        page.ask(
            mail,
            f"[Which|What] account is {name} [on|registered to]?",
            f"{name} [account|login]",
            says=f"{name} is registered to {mail}.",
        )
        page.ask(
            until,
            f"[Until when|How long] is {name} valid?",
            f"{name} expiry",
            says=f"{name} is valid until {until}.",
        )
        page.ask(seats, f"How many seats do we have for {name}?", f"{name} seats", also=(f"{seats} seats",))
    page.add(listed(draw, lines))
    return page
