"""Gap lambda_errors: a failed function answers with the exception's class name and stack."""

import json


def failure_of(aws, name) -> dict:
    answer = aws("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    return json.loads(answer["Payload"].read())


def test_the_error_type_is_the_exceptions_class_name(aws, function):
    name = function("def handler(event, context):\n    return {}['missing']\n")
    failure = failure_of(aws, name)
    assert (failure["errorType"], failure["errorMessage"]) == ("KeyError", "'missing'")


def test_the_stack_trace_names_the_line(aws, function):
    name = function("def handler(event, context):\n    return 1 / 0\n")
    assert any("return 1 / 0" in line for line in failure_of(aws, name)["stackTrace"])


def test_a_success_after_a_failure_has_no_error(aws, function):
    name = function("def handler(event, context):\n    return 1 / event['by']\n")
    failure_of(aws, name)
    answer = aws("lambda").invoke(FunctionName=name, Payload=b'{"by": 2}')
    assert ("FunctionError" in answer, json.loads(answer["Payload"].read())) == (False, 0.5)


def test_a_timed_out_function_is_not_mistaken_for_the_failure_before_it(aws, function):
    name = function(
        "import time\n\ndef handler(event, context):\n    time.sleep(event['for'])\n    return 1\n", Timeout=1
    )
    failure_of(aws, name)
    answer = aws("lambda").invoke(FunctionName=name, Payload=b'{"for": 5}')
    assert json.loads(answer["Payload"].read())["errorType"] == "Sandbox.Timedout"


def test_a_throttled_call_is_named_so_that_a_state_machine_can_retry_it(aws, function, execute):
    name = function("def handler(event, context):\n    return 1\n")
    aws("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": name, "Payload": {}},
        "End": True,
    }
    assert execute({"Call": task}).description["error"] == "Lambda.TooManyRequestsException"
