"""Documentation: Swagger UI from the files of a package, so that it works without internet access."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from app.api.middleware.security_headers import policy_of

ASSETS = "/docs/assets"
#: Swagger UI asks for `*/*` where it knows no better. That would have a download redirect to the bucket,
#: and the browser would send the caller's API key along.
INTERCEPTOR = """SwaggerUIBundle({
    requestInterceptor: request => {
        if (request.headers.accept === "*/*") {
            request.headers.accept = "application/json";
        }
        return request;
    },"""


def add_documentation(app: FastAPI) -> None:
    """Add the pages. Their links begin with the root path, so they work below a stage too."""

    @app.get("/docs", include_in_schema=False)
    async def show_docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        made = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title="Wharf API",
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon-32x32.png",
        )
        page = HTMLResponse(bytes(made.body).decode().replace("SwaggerUIBundle({", INTERCEPTOR, 1))
        # The icons are in the style sheet, as data. Opened links redirect to the bucket.
        sources = {
            "script_src": "'self'",
            "style_src": "'self'",
            "img_src": "'self' data:",
            "connect_src": f"'self' {request.app.state.services.bucket_origin()}",
        }
        page.headers.update(policy_of(bytes(page.body).decode(), **sources))
        return page

    @app.get("/openapi.json", include_in_schema=False)
    async def show_openapi(request: Request) -> JSONResponse:
        root = request.scope.get("root_path", "")
        return JSONResponse(app.openapi() | {"servers": [{"url": root or "/"}]})

    app.mount(ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="assets")
