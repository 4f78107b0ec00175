"""The same with `squall_worker.py`, which is to be copied beside yours: an item that raises an exception fails alone."""
from squall_worker import worker

@worker
def steps(n):
    if type(n) is not int or n < 1:
        raise ValueError(f"{n!r} is no positive integer")
    count = 0
    while n > 1:
        n, count = (3 * n + 1 if n % 2 else n // 2), count + 1
    return count

handler = steps.lambda_handler  # as a Lambda function of a Python runtime

if __name__ == "__main__":
    steps.main()  # under Squall; by hand: python3 with_module.py 27; or as the entry point of a container image
