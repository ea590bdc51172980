# The product as one image; web, worker, beat and preparation are commands of it. Runs with a read-only root file system.

FROM python:3.11-slim AS build
# requirements-hsm.txt for a root key in a PKCS#11 token
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-hsm.txt /build/
RUN python -m venv /opt/kms \
    && /opt/kms/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /build/$REQUIREMENTS

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin kms \
    && install -d -o kms -g kms -m 0700 /var/lib/kms /var/lib/kms-root \
    && install -d -o kms -g kms -m 0755 /secrets/app /secrets/database /secrets/broker
COPY --from=build /opt/kms /opt/kms
COPY . /srv/kms
WORKDIR /srv/kms
ENV PATH=/opt/kms/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 KMS_HOME=/var/lib/kms KMS_HOST=0.0.0.0
RUN python -m compileall -q /srv/kms
USER kms
EXPOSE 8000
CMD ["python", "manage.py", "serve"]
