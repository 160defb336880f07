"""CloudFormation's requests and responses. It must not know a wire API."""
