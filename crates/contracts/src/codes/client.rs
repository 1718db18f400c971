//! Codes of the command line, of configuration and of access control.
use super::{Area, external, user};

pub(super) const AREA: Area = Area {
    name: "Command line, configuration and access",
    about: "Codes of the command line, of configuration and of access control.",
    codes: &[
        user("ambiguous-id", "Several identifiers begin like the argument.", "Write more of the identifier."),
        external(
            "broken-pipe",
            "The output is no longer read.",
            "No action is needed: the program that read the output has ended.",
        ),
        user(
            "certificate-refused",
            "The server refused the certificate of the client, or requires one.",
            "Show a valid client certificate with `--tls-cert` and `--tls-key`.",
        ),
        external(
            "checks-failed",
            "Something that the services depend on is not as it must be.",
            "Do what `orewatch doctor` says beside each check that fails, and run it again.",
        ),
        user(
            "empty-answer",
            "The answer is empty, and `--fail-if-empty` makes that an error.",
            "Widen the query, or leave `--fail-if-empty` out.",
        ),
        user("file-exists", "The output file exists already.", "Choose another name, or remove the file."),
        external(
            "file-not-writable",
            "A file cannot be written.",
            "Check the path, its permissions and the free space on its disk.",
        ),
        user(
            "invalid-access-file",
            "The access file cannot be read, or an entry in it is wrong.",
            "Correct the entry that the error names.",
        ),
        user(
            "invalid-address",
            "The text is not the address of a server.",
            "Write an address such as `http://127.0.0.1:7070`.",
        ),
        user(
            "invalid-certificate",
            "A certificate, a private key or a file of authorities cannot be used.",
            "Correct the file that the error names, or renew the certificate.",
        ),
        user(
            "invalid-config-file",
            "The configuration file is not valid TOML.",
            "Correct the line that the error names.",
        ),
        user(
            "invalid-keys-file",
            "The key file of tenants cannot be read, or a line of it is no key.",
            "Check its path and permissions, and write a key of 64 hexadecimal digits on each line.",
        ),
        user(
            "invalid-setting",
            "A setting has an invalid value, or two settings contradict each other.",
            "Correct the setting that the error names.",
        ),
        user(
            "invalid-token-file",
            "A file of access tokens cannot be read, or its content is malformed.",
            "Check the path, the permissions and the content of the file.",
        ),
        user(
            "missing-role",
            "The caller does not have the role that the method needs.",
            "Ask an administrator for the role.",
        ),
        user("missing-setting", "A required setting is missing.", "Set it as the hint says."),
        external(
            "no-answer",
            "The answer to a prompt cannot be read from the terminal.",
            "Run the command again, with `--yes` if the answer is yes.",
        ),
        external(
            "no-directory",
            "A temporary directory cannot be created.",
            "Check the folder for temporary files, or name another with `TMPDIR`.",
        ),
        external(
            "no-server",
            "No server answers at this address.",
            "Check the address, and that the server is running.",
        ),
        external("no-service", "The server does not run this service.", "Name the server that runs it."),
        user(
            "not-confirmed",
            "The command needs a confirmation that was not given.",
            "Run the command again with `--yes`, if you are sure.",
        ),
        user(
            "not-permitted",
            "The caller may not change or see this.",
            "Use a token that may, or ask an administrator.",
        ),
        user(
            "not-trusted",
            "The client does not accept the certificate of the server.",
            "Name the authority with `--tls-ca`, or correct the address or the certificate of the server.",
        ),
        user(
            "open-to-all",
            "Other machines can reach the address, and callers need no token.",
            "Set `--tokens-file` or `--access-file`, or confirm with `--open-to-all`.",
        ),
        external("output-failed", "The output cannot be written.", "Check the destination of the output."),
        external("output-full", "There is no space left for the output.", "Make room, or write elsewhere."),
        user(
            "reserved-tenant",
            "No tenant can have this name.",
            "Choose another name, or leave the tenant out.",
        ),
        external(
            "tls-failed",
            "A TLS connection cannot be made.",
            "Check the address, and what is between the client and the server.",
        ),
        user(
            "tls-mismatch",
            "One side speaks TLS, and the other plain text.",
            "Write `https://` or `http://` as the server does.",
        ),
        user(
            "too-many-figures",
            "More figures match than can be compared at a time.",
            "Name one consumer, one material, the measure and the supplier.",
        ),
        user(
            "unauthenticated",
            "The request has no access token or client certificate that the service accepts.",
            "Read in the message why, and give a valid token, for example with `--token-file`.",
        ),
        user(
            "unknown-actor",
            "The table of names does not have this name or pseudonym.",
            "List the names with `orewatch actors list`.",
        ),
        user(
            "unknown-case",
            "There are no published figures to verify this measure with.",
            "List what can be verified with `orewatch verify`.",
        ),
        user("unknown-error", "No error has this code.", "List the codes with `orewatch errors`."),
        user("unknown-metric", "No metric has this name.", "List the metrics with `orewatch metrics`."),
        user("unknown-setting", "No setting has this name.", "Correct the name as the hint suggests."),
        user(
            "without-tls",
            "Other machines can reach the address, and connections are in plain text.",
            "Set `--tls-cert` and `--tls-key`, or confirm with `--without-tls`.",
        ),
    ],
};
