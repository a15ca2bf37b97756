"""Imported first by the forkserver: systemd and others send SIGTERM to all processes of a service at once.

A forkserver that ended then would take the tasks with it before they have committed and left their groups. It ends
when the worker does, whose pipe it watches. Tasks take the signal themselves.
"""

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
