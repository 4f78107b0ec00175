"""The same as a Lambda function, by the contract alone: an event is a request, the response its reply. By hand: python3 lambda_function.py 27"""
import sys

def steps(n):
    if type(n) is not int or n < 1:
        raise ValueError(f"{n!r} is no positive integer")
    count = 0
    while n > 1:
        n, count = (3 * n + 1 if n % 2 else n // 2), count + 1
    return count

def handler(event, context=None):
    if event["squall"] != 1:
        return {"squall": 1, "id": event["id"], "error": f"this worker speaks version 1 of the contract, not {event['squall']}"}
    values, errors = [], {}
    for position, n in enumerate(event["items"]):
        try:
            values.append(steps(n))
        except Exception as error:
            values.append(None)
            errors[str(position)] = f"{type(error).__name__}: {error}"
    return {"squall": 1, "id": event["id"], "values": values, "errors": errors}

if __name__ == "__main__": print(*(steps(int(n)) for n in sys.argv[1:]), sep="\n")
