"""The watchdog of `manage.py work`: a cluster that is silent for a minute is dead-locked."""

import threading
from unittest import mock

from django.db import OperationalError
from django_q.models import OrmQ

from colorize.management.commands.work import SILENCE, Cluster, Command
from colorize.models import Worker
from tests.base import NOON, BaseTestCase, at, minutes


class WatchdogTests(BaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        child = mock.Mock()
        child.process.pid = 4711
        child.ended.return_value = False
        starting = mock.patch("colorize.management.commands.work.Child.start", return_value=child)
        self.start = starting.start()
        self.addCleanup(starting.stop)
        keep = mock.patch("colorize.management.commands.work.close_old_connections")
        keep.start()  # the test's transaction lives on this connection
        self.addCleanup(keep.stop)
        with at(NOON):
            self.cluster = Cluster()

    def beat(self, minute: float) -> None:
        values = {"beat": NOON + minutes(minute)}
        Worker.objects.update_or_create(name=self.cluster.name, defaults=values)

    def test_a_cluster_that_gives_signs_of_life_is_left_alone(self) -> None:
        self.beat(10)
        with at(NOON + minutes(10.5)):
            self.cluster.listen()
            assert self.cluster.is_well()

    def test_a_silent_cluster_is_given_up(self) -> None:
        self.beat(10)
        with at(NOON + minutes(10) + SILENCE):
            self.cluster.listen()
            assert not self.cluster.is_well()

    def test_the_signs_of_another_cluster_do_not_count(self) -> None:
        with at(NOON + minutes(10)):
            Worker.objects.create(name="other:1", beat=NOON + minutes(10))
            self.cluster.listen()
            assert not self.cluster.is_well()

    def test_a_quiet_cluster_is_asked_once_for_a_sign(self) -> None:
        with at(NOON + minutes(0.3)):
            self.cluster.listen()
            self.cluster.listen()
        assert [task.task["func"] for task in OrmQ.objects.all()] == ["colorize.tasks.beat"]

    def test_a_stopped_cluster_is_asked_first_and_then_killed_as_a_group(self) -> None:
        self.cluster.child.ended.side_effect = [False, True]
        self.cluster.stop()
        assert [call[0] for call in self.cluster.child.method_calls] == [
            "ask",
            "ended",
            "ended",
            "kill",
        ]

    def test_a_database_or_disk_that_is_away_does_not_end_the_watch(self) -> None:
        for error in (OperationalError, PermissionError):
            with (
                self.subTest(error.__name__),
                mock.patch("colorize.management.commands.work.sweep", side_effect=error),
                self.assertLogs("colorize.management.commands.work", "ERROR"),
            ):
                Command().tend(self.cluster)

    def test_a_dead_cluster_is_replaced_and_the_last_one_is_stopped(self) -> None:
        command = Command()
        waits = mock.Mock(spec=threading.Event)
        waits.wait.side_effect = [False, True]
        self.cluster.child.ended.return_value = True
        with (
            mock.patch("colorize.management.commands.work.threading.Event", return_value=waits),
            mock.patch("colorize.management.commands.work.signal.signal"),
            self.assertLogs("colorize.management.commands.work", "ERROR"),
        ):
            command.handle()
        assert self.start.call_count == 3  # setUp's, the first, and its successor
