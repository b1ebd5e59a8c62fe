"""The property-management story: an example of an application, told beside a running cluster."""
