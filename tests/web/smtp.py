"""A mail server on the loopback that keeps what it gets, and can be told to behave badly."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from email.message import EmailMessage


class MailServer:
    """Speaks as much SMTP as a client needs.

    `silent` accepts connections without a greeting; `hold` keeps a letter and never says so; `drop` ends the
    connection after the letter; `answers` are codes for a verb, such as {"RCPT": "550 no such person"}.
    """

    def __init__(self, *, silent: bool = False, hold: bool = False, drop: bool = False, **answers: str) -> None:
        self.silent, self.hold, self.drop, self.answers = silent, hold, drop, answers
        self.letters: list[EmailMessage] = []
        self.connected, self.received, self.over = threading.Event(), threading.Event(), threading.Event()
        outer = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.talk(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Talk)
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def talk(self, client: Any) -> None:
        self.connected.set()
        if self.silent:
            self.over.wait(60)
            return
        self.say(client, "220 ready")
        while line := client.rfile.readline():
            verb = line[:4].strip().upper().decode()
            if verb == "QUIT":
                self.say(client, "221 bye")
                return
            answer = self.answers.get(verb) or ("354 go on" if verb == "DATA" else "250 ok")
            self.say(client, answer)
            if verb == "DATA" and answer.startswith("354") and not self.take(client):
                return

    def take(self, client: Any) -> bool:
        lines = []
        while (line := client.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        self.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.received.set()
        if self.hold:
            self.over.wait(60)
            return False
        if self.drop:
            return False
        self.say(client, self.answers.get("DONE", "250 taken"))
        return True

    @staticmethod
    def say(client: Any, line: str) -> None:
        client.wfile.write(f"{line}\r\n".encode())
