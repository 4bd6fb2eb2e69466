"""Documentation: Swagger UI from the files of a package, so that it works without internet access."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from app.api.middleware.security_headers import policy_of

ASSETS = "/docs/assets"


def add_documentation(app: FastAPI) -> None:
    """Add the pages. Their links begin with the root path, so they work below a stage too."""

    @app.get("/docs", include_in_schema=False)
    async def show_docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title="Wharf API",
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon-32x32.png",
        )
        # The icons are in the style sheet, as data.
        sources = {
            "script_src": "'self'",
            "style_src": "'self'",
            "img_src": "'self' data:",
            "connect_src": "'self'",
        }
        page.headers.update(policy_of(bytes(page.body).decode(), **sources))
        return page

    @app.get("/openapi.json", include_in_schema=False)
    async def show_openapi(request: Request) -> JSONResponse:
        root = request.scope.get("root_path", "")
        return JSONResponse(app.openapi() | {"servers": [{"url": root or "/"}]})

    @app.get("/", include_in_schema=False)
    async def show_start(request: Request) -> RedirectResponse:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")

    app.mount(ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="assets")
