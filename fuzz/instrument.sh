#!/bin/sh
# rustc, as cargo calls it, with INSTRUMENT added for the crates whose coverage is looked at: cryptography runs at full
# speed, and its branches lead no mutator astray.
for argument in "$@"; do
    case "$previous $argument" in
    "--crate-name uptane" | "--crate-name proto" | "--crate-name fuzz" | "--crate-name replay" | \
        "--crate-name sessions")
        # shellcheck disable=SC2086 # several words are meant
        exec "$@" $INSTRUMENT
        ;;
    esac
    previous=$argument
done
exec "$@"
