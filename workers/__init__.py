"""A fleet: workers that take tickets from RabbitMQ, and the executor that sends them.

Nothing outside this package names Celery or kombu. What travels on the queue is a ticket (run,
key) and means nothing by itself: the ledger says who may train, the store what is done.
"""
