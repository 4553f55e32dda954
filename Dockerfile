# One image for all of the Procfile's processes; compose.yaml runs them. docs/operations.md, under
# *Containers*, says how.
FROM python:3.13-slim

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin phonebank

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app

# By itself, so that a change of ours does not install it all again.
COPY requirements.txt ./
RUN pip install -r requirements.txt

COPY pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.md Procfile gunicorn.conf.py wsgi.py ./
COPY docs docs
COPY migrations migrations
COPY scripts_library scripts_library
COPY callers callers
COPY phonebank phonebank
RUN pip install --no-deps --no-build-isolation --editable .

# Nothing here is written to: the stores hold all data.
USER phonebank

# From outside the container.
ENV HOST=0.0.0.0 PORT=5000
EXPOSE 5000

# Of `web`; compose.yaml takes it off the others. /readyz would have processes ended for a store's fault.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/healthz', timeout=4)"]

CMD ["gunicorn", "wsgi:app"]
