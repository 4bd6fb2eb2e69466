"""The HTTP edge. It holds no rule of the service.

app.py              puts the application together
contracts.py        what a route answers and refuses, beside the route
routes/             one module for each noun
schemas/            bodies of requests and answers
dependencies.py     parameters that routes share
caller.py           who asks, and whose things are read
services.py         what the routes call
problems/           from errors to answers
http/               HTTP itself: preconditions, preferences, types, strict JSON
middleware/         what surrounds every request
openapi/            the API's description, loaded only when somebody asks for it
deferred_models.py  our models, built when a request first needs them
without_document_models.py  spares the start FastAPI's models of an API's description
without_pydantic_v1.py  spares the start what FastAPI loads for old models
without_telemetry.py    spares start and requests the OpenTelemetry that nobody configures
later_routes.py     routes that are made when a request asks for one of them
lambda_adapter.py   the application inside Lambda
"""
