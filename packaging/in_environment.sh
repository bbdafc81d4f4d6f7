#!/bin/sh
# Run one of the environment's tools. For hooks: git starts them, and knows of no activated environment.
#   sh packaging/in_environment.sh ruff check app
tool="$1"
shift
for folder in .venv/bin .venv/Scripts; do
    [ -d "$folder" ] && exec "$folder/$tool" "$@"
done
echo "Set Loreleaf up first: make check" >&2
exit 1
