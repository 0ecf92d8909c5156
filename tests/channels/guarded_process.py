"""Run by a test as a process of its own: every way out that the guard closes, tried once."""

import os
import socket
import subprocess
import sys
import threading

from tagtide.net.guard import guard_process


def unix():
    socket.socket(socket.AF_UNIX).connect("/run/docker.sock")


def by_name():
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def unresolved():
    socket.socket().connect(("localhost", 9))


def datagram():
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))


def program():
    subprocess.run([sys.executable, "-c", ""], check=False)


def shell():
    os.system("true")


def in_a_thread():
    failures = []

    def work():
        try:
            by_name()
        except PermissionError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    raise failures[0]


guard_process()
for attempt in (unix, by_name, unresolved, datagram, program, shell, in_a_thread):
    try:
        attempt()
    except PermissionError:
        print("blocked")
