"""What `rrm doctor` says of a broker."""

import pytest

from workers.doctor import _check_version


def levels(product, version):
    return [
        (level, about)
        for level, about, *_ in _check_version("there", {"product": product, "version": version})
    ]


def test_a_broker_that_does_not_heed_what_a_queue_says_of_its_timeout_is_warned_of():
    assert levels("RabbitMQ", "3.10.8") == [("ok", "broker"), ("warn", "consumer_timeout")]
    assert levels("RabbitMQ", "3.11.15") == [("ok", "broker")]
    assert levels("RabbitMQ", "4.1.0-rc.1") == [("ok", "broker")]


@pytest.mark.parametrize(("product", "version"), [("RabbitMQ", "3.7.28"), ("LavinMQ", "4.0.0"), ("?", "")])
def test_what_has_no_quorum_queues_or_is_not_known_to_have_them_fails(product, version):
    assert levels(product, version) == [("fail", "broker")]
